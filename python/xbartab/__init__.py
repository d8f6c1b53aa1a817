"""xbartab: RRAM crossbars from SPICE to tables, and networks that run on the tables.

    import xbartab
    tables = xbartab.characterize("tile.yaml", "tile.h5")         # ngspice, once
    print(tables.error)                                            # what the tables announce of themselves
    print(xbartab.infer("net.onnx", tables="tile.h5", images="images.idx.gz", labels="labels.idx.gz").accuracy)

All arrays are numpy's, all values are in SI units, with the shapes of the C headers. What the library refuses is raised as
xbartab.Error, one line that says where and what. Long calls show their progress on a terminal (`progress=`), let other
threads run, and stop at Ctrl-C with what is finished kept."""

from ._library import Error, Record, version as __version__
from .fitting import Population, calibrate, fit_population
from .networks import Network, cost, explain, infer
from .solving import compute, solve
from .tiles import Specification, Tables, Tile, characterize, models, preset, presets

__all__ = ["Error", "Network", "Population", "Record", "Specification", "Tables", "Tile", "calibrate", "characterize", "compute",
           "cost", "explain", "fit_population", "infer", "models", "preset", "presets", "solve"]
