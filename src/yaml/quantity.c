/* quantity.c - numbers with units to SI and back. */
#include "quantity.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/number.h>

static const struct {
    char letter;
    double factor;
} prefixes[] = {{'f', 1e-15}, {'p', 1e-12}, {'n', 1e-9}, {'u', 1e-6}, {'m', 1e-3},
                {'k', 1e3},   {'M', 1e6},   {'G', 1e9},  {'T', 1e12}};

/* Times that are longer than seconds tell well. */
static const struct {
    const char *name;
    double seconds;
} times[] = {{"min", 60}, {"h", 3600}, {"d", 86400}};

enum { N_PREFIXES = sizeof prefixes / sizeof prefixes[0] };

/* The word that ends the text is the unit, blanks behind it aside. */
static bool is_unit(const char *word, const char *unit)
{
    size_t n = strlen(unit);
    return strncmp(word, unit, n) == 0 && word[n + strspn(word + n, " \t")] == '\0';
}

/* number * 10^exponent read as one decimal, so that "0.1 nm" is the double nearest to 1e-10 and not a
 * product's rounding. digits[n] is the number's text. */
static double scaled(const char *digits, size_t n, double value, double factor)
{
    char text[64];
    size_t mantissa = 0;
    while (mantissa < n && digits[mantissa] != 'e' && digits[mantissa] != 'E') mantissa++;
    long exponent = mantissa < n ? strtol(digits + mantissa + 1, NULL, 10) : 0;
    if (mantissa + 16 > sizeof text || exponent < -400 || exponent > 400) return value * factor;
    snprintf(text, sizeof text, "%.*se%ld", (int)mantissa, digits, exponent + lround(log10(factor)));
    return strtod(text, NULL);
}

/* A prefix or a unit of time may take a number out of what a double holds. */
static const char *take(double *out, double number, double value)
{
    if (!isfinite(value)) return "is not a finite number";
    if (fabs(value) < DBL_MIN && number != 0) return "is nearer to 0 than a number can be";
    *out = value;
    return NULL;
}

/* "010" is 8 to a YAML reader of version 1.1, and 10 to one of 1.2. */
static bool is_octal(const char *text, size_t n)
{
    size_t sign = *text == '-' || *text == '+';
    return n > sign + 1 && text[sign] == '0' && strspn(text + sign, "0123456789") == n - sign;
}

const char *xbtab__quantity_parse(double *out, const char *text, const char *unit)
{
    const char *end;
    double value = 0;
    while (isspace((unsigned char)*text)) text++;
    xbtab_number_fault fault = xbtab_number_scan(&value, &end, text);
    if (end == text) return "is not a number";
    if (*end == 'x' || *end == 'X') return "is not a decimal number";
    if (fault == XBTAB_NUMBER_OUTSIDE) return "is not a finite number";
    if (fault == XBTAB_NUMBER_TINY) return "is nearer to 0 than a number can be";
    size_t n = (size_t)(end - text);
    while (isspace((unsigned char)*end)) end++;
    bool bare = strcmp(unit, "1") == 0;
    if (*end == '\0') {
        if (!bare) return "has no unit";
        if (is_octal(text, n)) return "begins with a 0, as octal numbers do";
        *out = value;
        return NULL;
    }
    if (bare)
        return is_unit(end, "%") ? take(out, value, value / 100.0) : "has a unit, but must be a bare number";
    if (is_unit(end, unit)) return take(out, value, value);
    for (int k = 0; k < N_PREFIXES; k++) {
        if (end[0] == prefixes[k].letter && is_unit(end + 1, unit)) {
            return take(out, value, scaled(text, n, value, prefixes[k].factor));
        }
    }
    for (size_t k = 0; k < sizeof times / sizeof times[0] && strcmp(unit, "s") == 0; k++) {
        if (is_unit(end, times[k].name)) return take(out, value, value * times[k].seconds);
    }
    return "has the wrong unit";
}

char *xbtab__quantity_print(char *out, size_t size, double value, const char *unit)
{
    if (strcmp(unit, "1") == 0) {
        snprintf(out, size, "%.6g", value);
        return out;
    }
    double magnitude = fabs(value), factor = 1.0;
    const char *prefix = "";
    static const char letters[N_PREFIXES][2] = {"f", "p", "n", "u", "m", "k", "M", "G", "T"};
    if (magnitude > 0.0 && (magnitude < 1.0 || magnitude >= 1000.0)) {
        for (int k = 0; k < N_PREFIXES; k++) {
            if (magnitude >= prefixes[k].factor * (1 - 1e-9)) {
                if (prefixes[k].factor > 1.0 && magnitude < 1000.0) break;
                factor = prefixes[k].factor;
                prefix = letters[k];
            }
        }
    }
    snprintf(out, size, "%.6g %s%s", value / factor, prefix, unit);
    return out;
}
