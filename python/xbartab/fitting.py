"""From measured data to models and populations."""

import os

import numpy as np

from ._library import Error, Record, call, copied, ffi, lib, strings, watched
from .tiles import _models, _Owned


def calibrate(specification, data, output=None, *, models=None, workers=0, progress=None):
    """Fit a model's parameters to measured data. specification: YAML file; data: a file or a list of them; output: the
    fitted model's sheet (DIR/rram/NAME.yaml: a folder DIR of models). A record of xbtab_fit; parameters is a dict by name,
    each with value, standard_error, low and high (95 %), is_identifiable and why."""
    if output is not None:
        call(lib.xbtab_fit_check_path, os.fsencode(output))
    data = [data] if isinstance(data, (str, os.PathLike)) else list(data)
    files, kept = strings(data)
    kept.append(_models(models))
    options = ffi.new("xbtab_calibrate_options *", {"workers": workers})
    slot = ffi.new("xbtab_fit **")
    with watched(progress, options):
        call(lib.xbtab_calibrate, slot, os.fsencode(specification), files, len(data), kept[-1].c, options)
    slot = ffi.gc(slot, lib.xbtab_fit_destroy)
    if output is not None:
        call(lib.xbtab_fit_write, slot[0], os.fsencode(output))
    result = copied(slot[0][0])
    result.parameters = Record({p["name"]: p for p in result.pop("parameter")})
    return result


def fit_population(specification, folder=".", output=None):
    """Estimate a population from measured devices: its sheet as YAML, written to output where given."""
    text = ffi.new("char **")
    call(lib.xbtab_population_fit, text, os.fsencode(specification), os.fsencode(folder), ffi.NULL, ffi.NULL)
    out = ffi.string(text[0]).decode()
    lib.xbtab_population_text_free(text)
    if output is not None:
        raw = out.encode()
        call(lib.xbtab_output_write, os.fsencode(output), raw, len(raw))
    return out


class Population:
    """How the devices of a technology differ: a sheet by its name or file. `values` is all of it."""

    def __init__(self, name):
        self._population = _Owned("xbtab_population", lib.xbtab_population_find, lib.xbtab_population_destroy, os.fsencode(name))

    @property
    def values(self):
        return copied(self._population.c[0])

    def conductances(self, target, *, time=0.0, temperature=None, seed=1, chip=0):
        """What devices conduct that were written to target (an array of conductances [S]), time seconds later: one device an
        element, numbered in its order."""
        p = self._population.c
        T = p.temperature if temperature is None else temperature
        G = np.atleast_1d(np.asarray(target, np.float64))
        if not (np.all(np.isfinite(G)) and np.all(G >= 0)):
            raise Error("target: conductances of 0 or more are needed")
        device, written = ffi.new("xbtab_device *"), ffi.new("xbtab_written *")
        out = np.empty(G.size)
        for k, g in enumerate(G.ravel()):
            lib.xbtab_device_draw(device, p, seed, chip, k)
            lib.xbtab_device_write(written, p, device, g, 0, 0)
            out[k] = lib.xbtab_device_conductance(p, device, written, time, T)
        return out.reshape(G.shape)

    def confusion(self, n_levels, step, *, time, temperature=None, devices=10000, verified=False, seed=1):
        """Share of devices of each level (row) that are read as each level (column) after a time; level k is k * step [S]."""
        share = np.empty((n_levels, n_levels))
        T = self._population.c.temperature if temperature is None else temperature
        call(lib.xbtab_population_confusion, self._population.c, n_levels, step, time, T, devices, int(verified), seed,
             ffi.cast("double *", share.ctypes.data))
        return share
