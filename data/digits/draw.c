/* draw.c - digits as pen strokes, distorted and rendered.
 *
 * A digit is a few strokes through control points in the unit square (x right, y down); smooth strokes are
 * Catmull-Rom curves. Points are jittered, an affine map turns, shears, scales and shifts the whole, and each
 * pixel's ink falls off softly with its distance from the pen's path. Noise is added last. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "digits.h"
#include "random.h"

enum { MOST_POINTS = 9, MOST_STROKES = 2, STEPS = 6, MOST_PATH = MOST_STROKES * (MOST_POINTS * STEPS + 1) };

typedef struct stroke {
    int n;
    bool is_smooth;
    double at[MOST_POINTS][2];
} stroke;

static const struct {
    int n;
    stroke stroke[MOST_STROKES];
} glyphs[10] = {
    {1,
     {{9,
       true,
       {{.5, .08},
        {.78, .24},
        {.82, .5},
        {.78, .76},
        {.5, .92},
        {.22, .76},
        {.18, .5},
        {.22, .24},
        {.5, .08}}}}},
    {1, {{3, false, {{.34, .27}, {.56, .08}, {.56, .92}}}}},
    {2,
     {{7, true, {{.22, .28}, {.36, .1}, {.62, .08}, {.78, .28}, {.64, .52}, {.4, .74}, {.22, .92}}},
      {2, false, {{.22, .92}, {.82, .9}}}}},
    {2,
     {{4, true, {{.24, .15}, {.56, .07}, {.76, .26}, {.48, .46}}},
      {5, true, {{.48, .46}, {.76, .56}, {.78, .78}, {.54, .93}, {.2, .82}}}}},
    {2, {{3, false, {{.58, .08}, {.18, .64}, {.86, .64}}}, {2, false, {{.64, .34}, {.62, .93}}}}},
    {2,
     {{3, false, {{.76, .1}, {.3, .1}, {.27, .45}}},
      {5, true, {{.27, .45}, {.56, .38}, {.8, .62}, {.62, .9}, {.2, .86}}}}},
    {1,
     {{8,
       true,
       {{.68, .08}, {.4, .28}, {.24, .62}, {.4, .92}, {.7, .86}, {.74, .62}, {.52, .5}, {.27, .64}}}}},
    {1, {{3, false, {{.18, .1}, {.82, .1}, {.42, .93}}}}},
    {1,
     {{9,
       true,
       {{.5, .48},
        {.26, .3},
        {.5, .08},
        {.74, .3},
        {.5, .48},
        {.22, .72},
        {.5, .93},
        {.78, .72},
        {.5, .48}}}}},
    {1,
     {{8,
       true,
       {{.74, .36}, {.5, .52}, {.27, .34}, {.44, .09}, {.72, .16}, {.76, .4}, {.7, .68}, {.5, .93}}}}},
};

static double spread(xbtab__random *random, double low, double high)
{
    return low + (high - low) * xbtab__random_uniform(random);
}

/* Catmull-Rom between b and c. */
static double curve(double a, double b, double c, double d, double t)
{
    return 0.5 * (2 * b + t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * b - a - 3 * c + d))));
}

typedef struct path {
    double at[MOST_PATH][2];
    bool starts[MOST_PATH]; /* a new stroke: no ink from the point before */
    int n;
} path;

static void add_stroke(path *p, const stroke *s, xbtab__random *random)
{
    double point[MOST_POINTS][2];
    for (int k = 0; k < s->n; k++) {
        for (int c = 0; c < 2; c++) point[k][c] = s->at[k][c] + 0.03 * xbtab__random_normal(random);
    }
    for (int k = 0; k + 1 < s->n; k++) {
        const double *a = point[k > 0 ? k - 1 : k], *d = point[k + 2 < s->n ? k + 2 : k + 1];
        for (int step = k == 0 ? 0 : 1; step <= STEPS; step++) {
            double t = (double)step / STEPS;
            p->starts[p->n] = k == 0 && step == 0;
            for (int c = 0; c < 2; c++) {
                double b = point[k][c], e = point[k + 1][c];
                p->at[p->n][c] = s->is_smooth ? curve(a[c], b, e, d[c], t) : b + t * (e - b);
            }
            p->n++;
        }
    }
}

/* Unit square to pixels: scale, shear, turn about the middle, shift. */
static void distort(path *p, xbtab__random *random)
{
    double angle = spread(random, -0.3, 0.3), shear = spread(random, -0.3, 0.3);
    double width = spread(random, 13, 21), height = spread(random, 17, 23);
    double x0 = 0.5 * DIGIT_SIDE + spread(random, -2.5, 2.5),
           y0 = 0.5 * DIGIT_SIDE + spread(random, -2.5, 2.5);
    for (int k = 0; k < p->n; k++) {
        double x = width * (p->at[k][0] - 0.5), y = height * (p->at[k][1] - 0.5);
        x -= shear * y;
        p->at[k][0] = x0 + x * cos(angle) - y * sin(angle);
        p->at[k][1] = y0 + x * sin(angle) + y * cos(angle);
    }
}

static double distance_to(const path *p, double x, double y)
{
    double least = 1e9;
    for (int k = 1; k < p->n; k++) {
        if (p->starts[k]) continue;
        double ax = p->at[k - 1][0], ay = p->at[k - 1][1], dx = p->at[k][0] - ax, dy = p->at[k][1] - ay;
        double length = dx * dx + dy * dy, t = length > 0 ? ((x - ax) * dx + (y - ay) * dy) / length : 0;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        double ex = x - ax - t * dx, ey = y - ay - t * dy, squared = ex * ex + ey * ey;
        least = squared < least ? squared : least;
    }
    return sqrt(least);
}

int digits_draw(uint64_t seed, uint32_t index, uint8_t *pixel)
{
    xbtab__random random;
    path p = {.n = 0};
    xbtab__random_init(&random, seed, XBTAB__RANDOM_DIGITS, index, 0);
    int digit = (int)xbtab__random_below(&random, 10);
    for (int s = 0; s < glyphs[digit].n; s++) add_stroke(&p, &glyphs[digit].stroke[s], &random);
    distort(&p, &random);
    double pen = spread(&random, 0.6, 1.7), blur = spread(&random, 0.6, 1.4), ink = spread(&random, 0.6, 1.0);
    double noise = spread(&random, 0.02, 0.16);
    for (int y = 0; y < DIGIT_SIDE; y++) {
        for (int x = 0; x < DIGIT_SIDE; x++) {
            double edge = 0.5 + (pen - distance_to(&p, x + 0.5, y + 0.5)) / (2 * blur);
            double grey = ink * (edge < 0 ? 0 : edge > 1 ? 1 : edge) + noise * xbtab__random_normal(&random);
            grey = grey < 0 ? 0 : grey > 1 ? 1 : grey;
            pixel[y * DIGIT_SIDE + x] = (uint8_t)(255 * grey + 0.5);
        }
    }
    return digit;
}
