"""One crossbar's currents and voltages, exactly: the library's own solver, or ngspice."""

from collections import namedtuple

import numpy as np

from ._arrays import matrix, pointer
from ._library import Error, Record, call, ffi, lib


def solve(voltages, resistances=None, *, conductances=None, r_word=0.0, r_bit=0.0, r_source=0.0, r_sink=0.0,
          engine="solve"):
    """Currents and voltages of a crossbar of linear devices.

    voltages      [word lines][vectors], or [word lines] for one vector [V]
    resistances   [word lines][bit lines] [ohm], inf = an open device; or conductances in siemens
    r_word, r_bit, r_source, r_sink   of a segment of the lines, of the drivers and of the sinks [ohm]
    engine        "solve" (this library's solver) or "spice" (ngspice)

    A record: i_out[vectors][bit lines], i_device, v_word and v_bit[vectors][word lines][bit lines] in A and V,
    iterations, residual [A], seconds."""
    if (resistances is None) == (conductances is None):
        raise Error("give either resistances or conductances")
    if resistances is not None:
        R = matrix("resistances", resistances)
        if not np.all(R > 0):
            raise Error("resistances: above 0 ohm are needed; inf is an open device")
        G = 1 / R
    else:
        G = matrix("conductances", conductances)
    V = np.asarray(voltages, np.float64)
    V = matrix("voltages", V[:, None] if V.ndim == 1 else V)
    if len(V) != len(G):
        raise Error("voltages: %d word lines, but the devices have %d" % (len(V), len(G)))
    crossbar = ffi.new("xbtab_crossbar *", {"rows": G.shape[0], "columns": G.shape[1], "r_word": r_word, "r_bit": r_bit,
                                            "r_source": r_source, "r_sink": r_sink, "G": pointer("double *", G)})
    out = ffi.new("xbtab_solution *")
    if engine == "solve":
        call(lib.xbtab_crossbar_solve, out, crossbar, pointer("double *", V), V.shape[1])
    elif engine == "spice":
        call(lib.xbtab_crossbar_spice, out, crossbar, ffi.NULL, pointer("double *", V), V.shape[1])
    else:
        raise Error("engine: %r is neither solve nor spice" % (engine,))
    result = _solution(out, V.shape[1], G.shape)
    lib.xbtab_solution_clear(out)
    return result


def _solution(out, n, shape):
    result = Record()
    for name in ("i_out", "i_device", "v_word", "v_bit"):
        size = (n, shape[1]) if name == "i_out" else (n, *shape)
        flat = np.frombuffer(ffi.buffer(getattr(out, name), int(np.prod(size)) * 8))
        result[name] = flat.reshape(size).copy()
    result.update(iterations=out.iterations, residual=out.residual, seconds=out.seconds)
    return result


# ---- as badcrossbar has it ----

Solution = namedtuple("Solution", "currents voltages")
Currents = namedtuple("Currents", "output device word_line bit_line")
Voltages = namedtuple("Voltages", "word_line bit_line")


def compute(applied_voltages, resistances, r_i=None, r_i_word_line=None, r_i_bit_line=None, node_voltages=True,
            all_currents=True, verbose=0):
    """badcrossbar's function of this name (Joksas and Mehonic, SoftwareX 12, 100617, 2020), arguments and shapes as there:
    output currents are [vectors][bit lines], all others [word lines][bit lines], with vectors as a third axis where there
    are several. A segment's current is that to the left of a device on its word line, and below it on its bit line."""
    V = matrix("applied_voltages", applied_voltages)
    r_word = r_i if r_i_word_line is None else r_i_word_line
    r_bit = r_i if r_i_bit_line is None else r_i_bit_line
    if r_word is None or r_bit is None:
        raise Error("give r_i, or both r_i_word_line and r_i_bit_line")
    s = solve(V, resistances, r_word=r_word, r_bit=r_bit)

    def placed(x):
        x = np.moveaxis(x, 0, 2)
        return x[:, :, 0] if x.shape[2] == 1 else x

    device = placed(s.i_device)
    word = np.flip(np.cumsum(np.flip(device, 1), 1), 1)
    currents = Currents(s.i_out, device, word, np.cumsum(device, 0)) if all_currents else Currents(s.i_out, None, None, None)
    return Solution(currents, Voltages(placed(s.v_word), placed(s.v_bit)) if node_voltages else None)
