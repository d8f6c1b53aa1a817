/* vector.h - functions compiled twice, for plain x86-64 and for AVX2, and chosen when the program starts.
 *
 * Only for loops whose every result is one fixed sequence of IEEE operations: no contraction is allowed in
 * the build and AVX2 has no fused operations of its own, so both give the same bits. */
#ifndef XBTAB_BASE_VECTOR_H
#define XBTAB_BASE_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define XBTAB__VECTOR __attribute__((target_clones("avx2", "default")))
#else
#define XBTAB__VECTOR
#endif

#endif
