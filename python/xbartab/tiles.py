"""Models, specifications, tables, and tiles that are programmed on them."""

import json
import os

import numpy as np

from ._arrays import aligned, matrix, pointer, vectors
from ._library import Error, Record, call, copied, ffi, lib, watched


class _Owned:
    """An object of the library that ends with the Python one."""

    def __init__(self, type_, create, destroy, *arguments):
        self._slot = ffi.new(type_ + " **")
        call(create, self._slot, *arguments)
        self._slot = ffi.gc(self._slot, destroy)

    @property
    def c(self):
        return self._slot[0]


def _text(value):
    return ffi.NULL if value is None else os.fsencode(value)


def _models(folder):
    return _Owned("xbtab_models", lib.xbtab_models_open_with, lib.xbtab_models_destroy, _text(folder))


def _kind(k):
    return ffi.string(lib.xbtab_model_kind_name(k)).decode()


def models(folder=None):
    """{kind: {name: model}}: the shipped device, selector, TIA and wire models, and those of a folder of the user's. Each
    is a record with its summary, source, parameters (unit, default, bounds, source, trust), presets and checks."""
    m = _models(folder)
    out = Record({_kind(k): Record() for k in range(lib.XBTAB_MODEL_KINDS)})
    for k in range(lib.xbtab_models_count(m.c)):
        model = lib.xbtab_models_get(m.c, k)
        out[_kind(model.kind)][ffi.string(model.name).decode()] = copied(model[0])
    return out


def presets():
    """Names of the shipped architectures."""
    names, n = ffi.new("char ***"), ffi.new("int *")
    call(lib.xbtab_arch_names, names, n)
    out = [ffi.string(names[0][k]).decode() for k in range(n[0])]
    lib.xbtab_arch_names_free(names, n[0])
    return out


class _Preset(_Owned):
    def __init__(self, name, folder=None):
        self.models = _models(folder)
        super().__init__("xbtab_arch", lib.xbtab_arch_find, lib.xbtab_arch_destroy, os.fsencode(name), self.models.c)


def preset(name, models=None):
    """An architecture by its name or file, as a record: summary, notes, scheme, bits, networks, published figures and where
    each number is from; `text` is its YAML. The scheme's words are given as words."""
    arch = _Preset(name, models)
    out = copied(arch.c[0])
    out.tile = copied(arch.c.spec[0])
    for k in range(lib.XBTAB_N_KEYS):
        key = ffi.string(lib.xbtab_scheme_key_name(k)).decode()
        out.scheme[key] = ffi.string(lib.xbtab_scheme_word(k, out.scheme[key])).decode()
    return out


class Specification:
    """One tile's specification: a YAML file, a YAML text, or the same as a dict.

        Specification("data/tiles/default.yaml")
        Specification({"name": "mine", "cell": {...}, "levels": {...}, ...})

    `values` is everything that it says, as a record in SI units; `text` its YAML."""

    def __init__(self, source, models=None):
        self._models = _models(models)
        if isinstance(source, dict):
            source, name, create = json.dumps(source), "the specification", lib.xbtab_spec_parse
            arguments = (source.encode(), name.encode(), self._models.c)
        elif isinstance(source, str) and "\n" in source:
            arguments, create = (source.encode(), b"the specification", self._models.c), lib.xbtab_spec_parse
        else:
            arguments, create = (os.fsencode(source), self._models.c), lib.xbtab_spec_open
        self._spec = _Owned("xbtab_spec", create, lib.xbtab_spec_destroy, *arguments)

    @property
    def values(self):
        return copied(self._spec.c[0])

    @property
    def text(self):
        return ffi.string(self._spec.c.text).decode()

    def cell_range(self):
        """The least and the largest conductance that the whole cell has at the read voltage, from ngspice [S]."""
        low, high = ffi.new("double *"), ffi.new("double *")
        call(lib.xbtab_cell_range, self._spec.c, low, high)
        return low[0], high[0]

    def __repr__(self):
        s = self._spec.c
        return "<Specification %s: %d x %d cells>" % (ffi.string(s.name).decode(), s.rows, s.columns)


def characterize(specification, path, *, workers=0, resume=False, models=None, progress=None):
    """Run ngspice on a tile and write its tables. The specification is a file, text, dict or Specification.
    Returns the Tables. workers: processes (0 = one a core). A run that was stopped goes on with resume=True."""
    spec = specification if isinstance(specification, Specification) else Specification(specification, models)
    call(lib.xbtab_spec_size_selector, spec._spec.c)
    options = ffi.new("xbtab_characterize_options *", {"workers": workers, "resume": int(resume)})
    with watched(progress, options):
        call(lib.xbtab_characterize, spec._spec.c, os.fsencode(path), options)
    return Tables(path)


class Tables:
    """A table file. Each group is an attribute (cell, tia, transfer, energy, readout, solver, samples, aged, write) and a
    record of its datasets; what stands at the file's top is too (rows, G_level, v_read, ...)."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._tables = _Owned("xbtab_tables", lib.xbtab_tables_open, lib.xbtab_tables_destroy, os.fsencode(path))
        self._technology = _Owned("xbtab_technology", lib.xbtab_technology_create, lib.xbtab_technology_destroy, self._tables.c)
        self._record = None

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.as_dict(), name)

    def __dir__(self):
        return [*super().__dir__(), *self.as_dict()]

    @property
    def error(self):
        """What each table announces, {group: record with rmse, max (shares of full_scale), samples, failed}, on SPICE
        samples that no fit saw."""
        return Record({group: part.error for group, part in self.as_dict().items() if isinstance(part, Record) and "error" in part})

    def as_dict(self):
        """All of it."""
        if self._record is None:
            self._record = copied(self._tables.c[0])
        return self._record

    def __repr__(self):
        t = self._tables.c
        return "<Tables %s: %d x %d cells, %d levels, transfer error %.2g %% of full scale>" % (
            ffi.string(t.tile_name).decode(), t.rows, t.columns, t.n_levels, 100 * t.transfer.error.rmse)


class Tile:
    """A programmed tile: what it answers to input vectors.

    levels         [word lines][bit lines], 0 to n_levels - 1; as many lines as the tables' tile at the most
    conductances   in siemens, in their place
    engine         "table", "ideal" (exact, with the ADC) or "solve" (each circuit solved exactly)"""

    def __init__(self, tables, levels=None, *, conductances=None, engine="table", adc_bits=0, refine=0):
        self.tables = tables if isinstance(tables, Tables) else Tables(tables)
        t = self.tables._tables.c
        if (levels is None) == (conductances is None):
            raise Error("give either levels or conductances")
        if levels is None:
            self._G = matrix("conductances", conductances)
            levels = np.abs(self._G[..., None] - self.tables.G_level).argmin(-1)
        else:
            self._G = None
        self._level = matrix("levels", levels, np.uint8)
        if self._level.max() >= t.n_levels:
            raise Error("levels: 0 to %d are needed" % (t.n_levels - 1))
        self.rows, self.columns = self._level.shape
        if self.rows > t.rows or self.columns > t.columns:
            raise Error("levels: %d x %d cells are more than the tables' %d x %d" % (self.rows, self.columns, t.rows, t.columns))
        self._engine = lib.xbtab_engine_find(os.fsencode(engine))
        if not self._engine:
            raise Error("engine: %r is none of table, ideal, solve" % (engine,))
        self._is_table = ffi.string(self._engine.name) == b"table"
        self._setup = ffi.new("xbtab_engine_setup *", {"technology": self.tables._technology.c, "adc_bits": adc_bits,
                                                       "refine": refine})
        cells = ffi.new("xbtab_cells *", {"rows": self.rows, "columns": self.columns,
                                          "level": pointer("uint8_t *", self._level)})
        if self._G is not None:
            cells.G = pointer("double *", self._G)
        state = ffi.new("void **")
        call(self._engine.program, state, self._setup, cells)
        self._state = ffi.gc(state[0], self._engine.clear)
        self.adc_bits = adc_bits or t.adc_bits
        self._bits = t.dac_bits
        self._stride = lib.xbtab_engine_stride(self.columns)
        self._counts = ffi.new("xbtab_product_counts *")
        self._room = aligned((1, self._stride), np.int32)
        self._room_pointer = pointer("int32_t *", self._room)
        self._exact = None

    def _asked(self, codes, bits):
        x, one = vectors("codes", codes, self.rows, np.uint16)
        most = int(x.max()) if x.size else 0
        bits = bits or max(self._bits, most.bit_length())
        if most >> bits:
            raise Error("codes: %d needs more than %d bits" % (most, bits))
        return x, one, 1 if one else len(x), -(-bits // self._bits)

    def product(self, codes, bits=None):
        """Sums of ADC codes, [bit lines] of one vector of codes or [n][bit lines] of n: activation codes of `bits` bits
        (as many as the largest needs) go in as slices of the DAC's, and each slice's code counts 2^(its place)."""
        x, one, n, slices = self._asked(codes, bits)
        if one:  # without a new room: microseconds count here
            acc, to = self._room, self._room_pointer
            acc.fill(0)
        else:
            acc = aligned((n, self._stride), np.int32)
            to = pointer("int32_t *", acc)
        call(self._engine.product, self._state, ffi.from_buffer("uint16_t[]", x), n, slices, ffi.NULL, to, self._counts)
        return acc[0, :self.columns].copy() if one else acc[:, :self.columns]

    def outputs(self, codes, bits=None):
        """What the ADCs see, not rounded: [n][slices][bit lines] (of one vector without the n), shares of their range."""
        if not self._engine.read:
            raise Error("this engine does not tell what its ADCs see")
        x, one, n, slices = self._asked(codes, bits)
        v = aligned((n, slices, self._stride), np.float64)
        call(self._engine.read, self._state, ffi.from_buffer("uint16_t[]", x), n, slices, ffi.NULL, pointer("double *", v),
             self._counts)
        v = v[:, :, :self.columns]
        return v[0] if one else v

    def power(self, codes):
        """Power that the drivers give while one slice of DAC codes is read [W], of one vector or of n:
        scale * sum_i V_i I_i of tables.h, I_i through the effective matrix; of the engine table with the tile's own
        factors (xbtab_engine_table_power), whose error `report` tells."""
        x, one = vectors("codes", codes, self.rows, np.uint16)
        if x.size and x.max() >> self._bits:
            raise Error("codes: those of one slice are needed, below %d" % (1 << self._bits))
        if self._is_table:
            rows = np.ascontiguousarray(x.reshape(-1, self.rows), np.uint8)
            p = np.array([lib.xbtab_engine_table_power(self._state, pointer("uint8_t *", row)) for row in rows])
            return p[0] if one else p
        A = self._effective()
        drive = np.array([[lib.xbtab_technology_drive(self.tables._technology.c, i, k) for i in range(self.rows)]
                          for k in range(len(A))])
        row = A.sum(2) * drive
        p = self.tables.energy.scale * row[x.reshape(-1, self.rows), np.arange(self.rows)].sum(1)
        return p[0] if one else p

    def report(self):
        """What a tile of the engine table knows of its errors: a record of xbtab_table_report."""
        if not self._is_table:
            raise Error("engine: only table has a report")
        out = ffi.new("xbtab_table_report *")
        lib.xbtab_engine_table_report(self._state, out)
        return copied(out[0])

    def _effective(self):
        """A[codes][word lines][bit lines]: the effective matrix [A]."""
        if self._exact is None:
            G = self.tables.G_level[self._level] if self._G is None else self._G
            G = np.ascontiguousarray(G)
            tile = _Owned("xbtab_tile", lib.xbtab_tile_create, lib.xbtab_tile_destroy, self.tables._technology.c,
                          pointer("double *", G), self.rows, self.columns)
            self._exact = copied(tile.c[0]).A
        return self._exact

    def __repr__(self):
        return "<Tile %d x %d, engine %s>" % (self.rows, self.columns, ffi.string(self._engine.name).decode())
