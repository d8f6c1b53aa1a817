/* number.c - numbers that people wrote, read strictly. */
#include <xbartab/number.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* isdigit() asks the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at)) at++;
    return at;
}

/* Behind the number that the text begins with; the text itself where there is none. */
static const char *end_of_real(const char *text)
{
    const char *at = text + (*text == '+' || *text == '-'), *from = at;
    at = skip_digits(at);
    bool has_digits = at > from;
    if (*at == '.') {
        const char *point = at++;
        at = skip_digits(at);
        has_digits = has_digits || at > point + 1;
    }
    if (!has_digits) return text;
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1 + (at[1] == '+' || at[1] == '-');
        if (is_digit(*power)) at = skip_digits(power);
    }
    return at;
}

/* Any digit of the number but 0; its power does not count. */
static bool is_not_zero(const char *text, const char *end)
{
    for (; text < end && *text != 'e' && *text != 'E'; text++) {
        if (*text >= '1' && *text <= '9') return true;
    }
    return false;
}

xbtab_number_fault xbtab_number_scan(double *out, const char **end, const char *text)
{
    *end = end_of_real(text);
    if (*end == text) return XBTAB_NUMBER_NONE;
    if (!is_not_zero(text, *end)) { /* strtod() would read on in 0x10 */
        *out = *text == '-' ? -0.0 : 0.0;
        return XBTAB_NUMBER_FINE;
    }
    double value = strtod(text, NULL);
    if (!isfinite(value)) return XBTAB_NUMBER_OUTSIDE;
    if (fabs(value) < DBL_MIN) return XBTAB_NUMBER_TINY;
    *out = value;
    return XBTAB_NUMBER_FINE;
}

/* Digits alone, the first of several 0: octal to some readers and decimal to others. */
static bool is_octal(const char *text)
{
    text += *text == '+' || *text == '-';
    return text[0] == '0' && is_digit(text[1]) && *skip_digits(text) == '\0';
}

xbtab_number_fault xbtab_number_real(double *out, const char *text, double least, double most)
{
    const char *end;
    double value = 0;
    xbtab_number_fault fault = xbtab_number_scan(&value, &end, text);
    if (end == text || *end || is_octal(text)) return XBTAB_NUMBER_NONE;
    if (fault != XBTAB_NUMBER_FINE) return fault;
    if (!(value >= least && value <= most)) return XBTAB_NUMBER_OUTSIDE;
    *out = value;
    return XBTAB_NUMBER_FINE;
}

/* The digits of a whole number without its sign. */
static xbtab_number_fault take_digits(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    bool is_large = false;
    if (!is_digit(*text) || *skip_digits(text) || is_octal(text)) return XBTAB_NUMBER_NONE;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        is_large = is_large || value > (UINT64_MAX - digit) / 10;
        value = 10 * value + digit;
    }
    *out = value;
    return is_large ? XBTAB_NUMBER_OUTSIDE : XBTAB_NUMBER_FINE;
}

xbtab_number_fault xbtab_number_whole(int64_t *out, const char *text, int64_t least, int64_t most)
{
    const uint64_t lowest = (uint64_t)INT64_MAX + 1; /* of the negative ones, without its sign */
    const bool is_negative = *text == '-';
    uint64_t size = 0;
    xbtab_number_fault fault = take_digits(&size, text + (is_negative || *text == '+'));
    if (fault != XBTAB_NUMBER_FINE) return fault;
    if (size > (is_negative ? lowest : (uint64_t)INT64_MAX)) return XBTAB_NUMBER_OUTSIDE;
    int64_t value = !is_negative ? (int64_t)size : size == lowest ? INT64_MIN : -(int64_t)size;
    if (value < least || value > most) return XBTAB_NUMBER_OUTSIDE;
    *out = value;
    return XBTAB_NUMBER_FINE;
}

xbtab_number_fault xbtab_number_unsigned(uint64_t *out, const char *text, uint64_t most)
{
    const bool is_negative = *text == '-';
    uint64_t value = 0;
    xbtab_number_fault fault = take_digits(&value, text + (is_negative || *text == '+'));
    if (fault != XBTAB_NUMBER_FINE) return fault;
    if ((is_negative && value > 0) || value > most) return XBTAB_NUMBER_OUTSIDE;
    *out = value;
    return XBTAB_NUMBER_FINE;
}
