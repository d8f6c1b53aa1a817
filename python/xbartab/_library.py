"""The shared library: where it is, its errors as exceptions, its progress reports, its structures as records."""

import ctypes.util
import os
import sys
import threading

import numpy as np

from ._interface import ffi
from ._shapes import SHAPES

__all__ = ["ffi", "lib", "Error", "Record", "call", "copied", "fill", "strings", "version", "watched"]


def _candidates():
    """Names of the library, the most wanted first."""
    if os.environ.get("XBARTAB_LIBRARY"):
        yield os.environ["XBARTAB_LIBRARY"]
        return
    try:
        from ._built import LIBRARY  # of the tree that the package was made from
        if os.path.exists(LIBRARY):
            yield LIBRARY
    except ImportError:
        pass
    yield ctypes.util.find_library("xbartab") or "libxbartab.so"


def _load():
    tried = []
    for name in _candidates():
        try:
            return ffi.dlopen(name)
        except OSError as error:
            tried.append(str(error))
    raise ImportError("xbartab: %s; build or install libxbartab, or set XBARTAB_LIBRARY to its file" % "; ".join(tried))


lib = _load()
version = ffi.string(lib.xbtab_version()).decode()


class Error(Exception):
    """What the library refused: one line that says where, what, and what is allowed. `status` is its number."""

    def __init__(self, message, status=lib.XBTAB_ERR_INPUT):
        super().__init__(message)
        self.status = status


def call(function, *arguments):
    """Call a function that returns a status."""
    status = function(*arguments)
    if status < 0:
        if status == lib.XBTAB_ERR_NOMEM:
            raise MemoryError(ffi.string(lib.xbtab_error_message()).decode())
        raise Error(ffi.string(lib.xbtab_error_message()).decode() or ffi.string(lib.xbtab_status_text(status)).decode(),
                    status)


class Record(dict):
    """A structure of the library: a dict whose keys are attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self):
        return [*super().__dir__(), *self]


# ---- structures to records ----

_NUMPY = {"double": np.float64, "float": np.float32, "uint8_t": np.uint8, "uint16_t": np.uint16, "int16_t": np.int16,
          "int32_t": np.int32, "int": np.int32, "int64_t": np.int64, "size_t": np.uint64, "uint64_t": np.uint64, "unsigned int": np.uint32}


class _Sizes(dict):
    """The names that the size of an array may hold: members of its structure, of those around it, and of their parts."""

    def __init__(self, around):
        super().__init__()
        self.around = around

    def __missing__(self, name):
        for structure in self.around:
            if hasattr(structure, name):
                return getattr(structure, name)
        for structure in self.around:
            for member, field in ffi.typeof(structure).fields:
                if field.type.kind == "struct" and name in dict(field.type.fields):
                    return getattr(getattr(structure, member), name)
        raise KeyError(name)


def _array(pointer, shape):
    """A copy of what a pointer points at: an array, or a list of texts or records."""
    item = ffi.typeof(pointer).item
    count = int(np.prod(shape))
    if item.kind == "primitive" and item.cname in _NUMPY:
        if count == 0:
            return np.zeros(shape, _NUMPY[item.cname])
        flat = np.frombuffer(ffi.buffer(pointer, count * ffi.sizeof(item)), _NUMPY[item.cname])
        return flat.reshape(shape).copy()
    if item.kind == "pointer" and item.item.cname == "char":
        return [ffi.string(pointer[k]).decode() for k in range(count)]
    return None


def copied(structure, around=()):
    """A structure as a record that needs it no longer: numbers, texts, arrays of the shapes that the headers give, and
    records of its parts. What it only borrows (other objects, functions) is left out."""
    around = (structure, *around)
    type_ = ffi.typeof(structure)
    shapes = SHAPES.get(type_.cname.replace("struct ", ""), {})
    out = Record()
    for name, field in type_.fields:
        value = getattr(structure, name)
        kind = field.type.kind
        if kind == "struct":
            out[name] = copied(value, around)
        elif kind == "primitive":
            out[name] = value
        elif kind == "enum":
            out[name] = int(value)
        elif kind == "array":
            out[name] = _fixed(value, field.type, around)
        elif kind == "pointer" and field.type.item.kind != "function":
            if field.type.item.cname in ("char", "char const"):
                out[name] = ffi.string(value).decode() if value else None
            elif name in shapes:
                out[name] = _shaped(value, shapes[name], around)
    return out


def _fixed(value, type_, around):
    if type_.item.cname == "char":
        return ffi.string(value).decode()
    if type_.item.cname in _NUMPY:
        return np.array([value[k] for k in range(type_.length)], _NUMPY[type_.item.cname])
    return [copied(value[k], around) for k in range(type_.length)]


def _shaped(pointer, sizes, around):
    if not pointer:
        return None
    names = _Sizes([a[0] if ffi.typeof(a).kind == "pointer" else a for a in around])
    shape = tuple(int(eval(size, {"__builtins__": {}}, names)) for size in sizes)
    if ffi.typeof(pointer).item.kind == "struct":
        flat = [copied(pointer[k], around) for k in range(int(np.prod(shape)))]
        return [flat[k:k + shape[1]] for k in range(0, len(flat), shape[1])] if len(shape) == 2 else flat
    return _array(pointer, shape)


# ---- options to structures ----

def strings(texts):
    """A char *[] and what keeps it alive."""
    kept = [ffi.new("char[]", os.fsencode(t)) for t in texts]
    return ffi.new("char *[]", kept), kept


def fill(structure, options, kept):
    """Set members of a structure from a dict; None leaves one at its default. Paths and texts become C's, arrays are
    borrowed; kept is a list that keeps what the structure borrows."""
    type_ = ffi.typeof(structure)
    fields = dict((type_.item if type_.kind == "pointer" else type_).fields)
    for name, value in options.items():
        if name not in fields:
            raise TypeError("there is no option %r; there are %s" % (name, ", ".join(sorted(fields))))
        type_ = fields[name].type
        if value is None:
            continue
        if type_.kind == "struct" and isinstance(value, dict):
            fill(getattr(structure, name), value, kept)
        elif type_.kind == "pointer" and type_.item.cname.replace(" const", "") == "char":
            text = ffi.new("char[]", os.fsencode(value))
            kept.append(text)
            setattr(structure, name, text)
        elif type_.kind == "pointer" and not isinstance(value, ffi.CData):
            dtype = _NUMPY[type_.item.cname.replace(" const", "")]
            array = np.ascontiguousarray(value, dtype)
            kept.append(array)
            setattr(structure, name, ffi.cast(type_, array.ctypes.data))
        else:
            setattr(structure, name, value.item() if isinstance(value, np.generic) else value)


# ---- progress ----

def _show(what, done, total, left):
    """The default: one line on a terminal, nothing into a file or a pipe."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        time_left = "" if left < 0 else ", %.0f s left" % left
        sys.stderr.write("\r\033[K%s: %d of %d%s%s" % (what, done, total, time_left, end))
        sys.stderr.flush()


class watched:
    """Callbacks for a long call. The library calls them in the thread that called it; Ctrl-C there, or an exception of
    the user's own function, ends the call, which keeps what is finished, and is raised again behind it.

        with watched(progress, options): call(lib.xbtab_..., options)

    progress: None = a line on a terminal; False = nothing; or f(what, done, total, seconds_left), where True stops."""

    def __init__(self, progress, options):
        self.error = None
        show = _show if progress is None else progress or None

        def report(p, _):
            return int(bool(self.error or
                            (show and show(ffi.string(p.what).decode(), p.done, p.total, p.seconds_left))))

        def failed(kind, error, trace):  # KeyboardInterrupt is one; it may come before report's first line
            self.error = error

        self.callback = ffi.callback("xbtab_progress_fn", report, error=1, onerror=failed)
        options.progress = self.callback

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.error:
            raise self.error from None
        if threading.current_thread() is threading.main_thread() and isinstance(error, Error) \
                and error.status == lib.XBTAB_ERR_CANCELED:
            raise KeyboardInterrupt(str(error)) from None
        return False
