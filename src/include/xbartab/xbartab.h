/* xbartab.h - all public headers. */
#ifndef XBARTAB_XBARTAB_H
#define XBARTAB_XBARTAB_H

#include <xbartab/arch.h>
#include <xbartab/array.h>
#include <xbartab/calibrate.h>
#include <xbartab/characterize.h>
#include <xbartab/chip.h>
#include <xbartab/cost.h>
#include <xbartab/data.h>
#include <xbartab/engine.h>
#include <xbartab/explain.h>
#include <xbartab/grid.h>
#include <xbartab/images.h>
#include <xbartab/infer.h>
#include <xbartab/kernel.h>
#include <xbartab/measured.h>
#include <xbartab/models.h>
#include <xbartab/netlist.h>
#include <xbartab/network.h>
#include <xbartab/number.h>
#include <xbartab/output.h>
#include <xbartab/output_check.h>
#include <xbartab/pairs.h>
#include <xbartab/population.h>
#include <xbartab/population_fit.h>
#include <xbartab/progress.h>
#include <xbartab/report.h>
#include <xbartab/scheme.h>
#include <xbartab/solve.h>
#include <xbartab/spec.h>
#include <xbartab/status.h>
#include <xbartab/study.h>
#include <xbartab/sweep.h>
#include <xbartab/tables.h>
#include <xbartab/tile.h>
#include <xbartab/version.h>
#include <xbartab/write.h>

#endif
