/* seal.c - the SHA-256 in front of a table file. */
#include "seal.h"

#include <stdio.h>
#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

static const char first[] = "xbartab tables\n";

static const char *how(xbtab__seal as)
{
    return as == XBTAB__SEAL_EDITED ? "edited, sealed by info --rehash" : "written by characterize";
}

static void compose(char block[XBTAB__SEAL_SIZE], const char *hash, size_t n, xbtab__seal as)
{
    memset(block, 0, XBTAB__SEAL_SIZE);
    snprintf(block, XBTAB__SEAL_SIZE, "%s%s\nbytes %zu\nsha256 %s\n", first, how(as), n, hash);
}

/* The hash of all behind the block, as text. */
static void hash_of(char hash[BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1], const char *file, size_t n)
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, n - XBTAB__SEAL_SIZE, (const uint8_t *)file + XBTAB__SEAL_SIZE);
    sha256_digest(&context, sizeof digest, digest);
    base16_encode_update(hash, sizeof digest, digest);
    hash[BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE)] = '\0';
}

void xbtab__seal_put(char *file, size_t n, xbtab__seal as)
{
    char hash[BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1];
    hash_of(hash, file, n);
    compose(file, hash, n, as);
}

xbtab__seal xbtab__seal_of(const char *file, size_t n)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    char hash[BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE) + 1], block[XBTAB__SEAL_SIZE];
    /* without a block HDF5 begins at once; with ours behind it */
    if (n <= XBTAB__SEAL_SIZE || memcmp(file, signature, sizeof signature - 1) == 0) return XBTAB__SEAL_NONE;
    hash_of(hash, file, n);
    for (int as = XBTAB__SEAL_WRITTEN; as <= XBTAB__SEAL_EDITED; as++) {
        compose(block, hash, n, (xbtab__seal)as);
        if (memcmp(file, block, sizeof block) == 0) return (xbtab__seal)as;
    }
    return XBTAB__SEAL_BROKEN;
}
