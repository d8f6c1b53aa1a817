"""Networks, what they reach on tiles, why, and what that costs."""

import os

import numpy as np

from ._library import Error, Record, call, copied, ffi, fill, lib, watched
from .tiles import Tables, _Owned, _Preset, _text


class Network:
    """A network from ONNX: `nodes` is a list of records (name, type, output's shape, and for those with matrices their
    inputs, outputs, products an image, bits as the file has them)."""

    def __init__(self, path, input_shape=None):
        options, kept = ffi.new("xbtab_open_options *"), []
        if input_shape:
            shapes, n = _shapes(input_shape, kept)
            options.shape, options.n_shapes = shapes, n
        self._network = _Owned("xbtab_network", lib.xbtab_network_open_as, lib.xbtab_network_destroy, os.fsencode(path), options)
        self.outputs = lib.xbtab_network_outputs(self._network.c)

    @property
    def nodes(self):
        out, node = [], ffi.new("xbtab_network_node *")
        for k in range(lib.xbtab_network_nodes(self._network.c)):
            call(lib.xbtab_network_node_get, self._network.c, k, node)
            record = copied(node[0])
            record["shape"] = tuple(node.dim[d] for d in range(node.rank))
            for name in ("rank", "dim"):
                record.pop(name, None)
            out.append(record)
        return out


def _shapes(input_shape, kept):
    """{name: sizes} as the library takes it."""
    out = ffi.new("xbtab_input_shape[]", len(input_shape))
    for shape, (name, sizes) in zip(out, input_shape.items()):
        text = ffi.new("char[]", name.encode())
        kept.append(text)
        shape.name, shape.rank = text, len(sizes)
        for d, size in enumerate(sizes):
            shape.dim[d] = size
    kept.append(out)
    return out, len(input_shape)


def _scheme(options, words, kept):
    """Numbers and words of a scheme, over the preset's: {"weights": "offset_column", "adc_bits": 6}."""
    for name, value in words.items():
        keys = {ffi.string(lib.xbtab_scheme_key_name(k)).decode(): k for k in range(lib.XBTAB_N_KEYS)}
        if name in keys:
            found = lib.xbtab_scheme_find(keys[name], str(value).encode())
            if found < 0:
                known = [ffi.string(lib.xbtab_scheme_word(keys[name], v)).decode()
                         for v in range(lib.xbtab_scheme_values(keys[name]))]
                raise Error("scheme: %s: %r is none of %s" % (name, value, ", ".join(known)))
            options.scheme_words |= 1 << keys[name]
            value = found
        fill(options.scheme, {name: value}, kept)


class _Study:
    """An open study with all that it borrows."""

    def __init__(self, network, settings, progress):
        self.kept = []
        options = ffi.new("xbtab_study_options *")
        settings = dict(settings, network=network)
        scheme, population = settings.pop("scheme", None), settings.pop("population", None)
        shape, chip, times = settings.pop("input_shape", None), dict(settings.pop("chip", None) or {}), settings.pop("time", None)
        for name in ("raw_pixels", "tia_spread", "without_layers", "without_labels"):
            if settings.get(name) is not None:
                settings[name] = int(settings[name])
        if isinstance(settings.get("tables"), Tables):
            settings["tables"] = settings["tables"].path
        fill(options, settings, self.kept)
        if scheme:
            _scheme(options, scheme, self.kept)
        if shape:
            options.input_shape, options.n_input_shapes = _shapes(shape, self.kept)
        if population is not None:
            self.population = _Owned("xbtab_population", lib.xbtab_population_find, lib.xbtab_population_destroy,
                                     os.fsencode(population))
            fill(options.chip, dict(chip, population=self.population.c), self.kept)
        if times is not None:
            fill(options, {"time": np.atleast_1d(times)}, self.kept)
            options.n_times = np.atleast_1d(times).size
        self.options, self.watched = options, watched(progress, options)
        slot = ffi.new("xbtab_study **")
        with self.watched:
            call(lib.xbtab_study_open, slot, options)
        self.slot = ffi.gc(slot, lib.xbtab_study_close)

    def ask(self, function, out):
        with self.watched:
            call(function, self.slot[0], out)


def infer(network=None, *, tables=None, arch=None, images=None, labels=None, progress=None, **settings):
    """What a network reaches: in float, in exact integers, on ideal tiles, and on the tables.

    network       ONNX file; None with arch: the preset's own, with its images
    tables, arch  a table file (or Tables), or a preset's name or file, whose tables are made once and kept
    images, labels   IDX, CIFAR binary or .npy files

    Further settings are those of xbtab_study_options: mode ("float", "integer", "ideal", "table", "solve", "spice"), limit,
    check (products to solve again) and check_engine, refine, adc_bits, threads, seed, models, cache, raw_pixels,
    scheme={...}, quantize={"weight_bits": 4, ...}, population (a name or file) with chip={...}, n_chips and time [s],
    input_shape={"input": (1, 3, 32, 32)}.

    A record of xbtab_study_result: accuracy.network (float), .integer, .ideal, .mode (in the mode asked for), mapped, check,
    chips, and outputs[images][outputs]; predictions[images] beside it. Without labels the accuracies are NaN."""
    if labels is None and images is not None:
        settings.setdefault("without_labels", 1)
    study = _Study(network, dict(settings, tables=tables, arch=arch, images=images, labels=labels), progress)
    result = ffi.new("xbtab_study_result *")
    study.ask(lib.xbtab_study_infer, result)
    out = copied(result[0])
    if out.outputs is not None:
        out.predictions = out.outputs.argmax(1)
    if not out.has_check:
        del out["check"]
    for name in ("has_check", "has_tiles"):
        del out[name]
    return out


def explain(network=None, *, tables=None, arch=None, images=None, labels=None, progress=None, **settings):
    """Which effect costs how much of the accuracy; settings as of infer(). A record of xbtab_explanation: effects is a dict
    by name, each with alone and left_out (points, error), and layer, a list over layers."""
    study = _Study(network, dict(settings, tables=tables, arch=arch, images=images, labels=labels), progress)
    out = ffi.new("xbtab_explanation *")
    study.ask(lib.xbtab_study_explain, out)
    result = copied(out[0])
    result.effects = Record({ffi.string(lib.xbtab_effect_word(k)).decode(): e for k, e in enumerate(result.pop("effect"))})
    lib.xbtab_explanation_clear(out)
    return result


def cost(network, *, arch, tables=None, models=None, input_shape=None, **options):
    """Energy, area and time of an image on a preset's hierarchy, from the placement of the network's layers. Options:
    weight_bits, activation_bits (of layers in float), replicate. A record of xbtab_network_cost, SI units."""
    preset = _Preset(arch, models)
    hierarchy = _Owned("xbtab_hierarchy", lib.xbtab_hierarchy_open, lib.xbtab_hierarchy_destroy, preset.c,
                       lib.xbtab_data_folder())
    kept, o, out = [], ffi.new("xbtab_cost_options *"), ffi.new("xbtab_network_cost *")
    if tables is not None:
        tables = tables if isinstance(tables, Tables) else Tables(tables)
        o.tables = tables._tables.c
    fill(o, options, kept)
    network = network if isinstance(network, Network) else Network(network, input_shape)
    call(lib.xbtab_cost_network, out, hierarchy.c, network._network.c, o)
    result = copied(out[0])
    lib.xbtab_network_cost_clear(out)
    return result
