"""numpy arrays as the library takes them."""

import numpy as np

from ._library import Error, ffi


def matrix(name, value, dtype=np.float64):
    """A contiguous matrix; Error says which argument is none."""
    array = np.asarray(value)
    if array.ndim != 2 or array.size == 0:
        raise Error("%s: a matrix is needed, rows by columns, not the shape %s" % (name, array.shape))
    return _cast(name, array, dtype)


def vectors(name, value, length, dtype):
    """n vectors of a length, [n][length] or [length] for one, and whether it is one."""
    array = np.asarray(value)
    one = array.ndim == 1
    if array.dtype == dtype and array.shape == (length,) and array.flags.c_contiguous:
        return array, True
    if array.ndim not in (1, 2) or array.shape[-1] != length:
        raise Error("%s: %d numbers a vector are needed, not the shape %s" % (name, length, array.shape))
    return _cast(name, array, dtype), one


def _cast(name, array, dtype):
    if array.dtype == dtype:
        return np.ascontiguousarray(array)
    if np.issubdtype(dtype, np.integer):
        if array.dtype != bool and not np.issubdtype(array.dtype, np.number):
            raise Error("%s: numbers are needed, not %s" % (name, array.dtype))
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if array.size and not (np.all(array >= low) and np.all(array <= high) and np.all(array == np.floor(array))):
            raise Error("%s: whole numbers from %d to %d are needed" % (name, low, high))
    return np.ascontiguousarray(array, dtype)


def pointer(type_, array):
    """The array's memory; the array has to live as long."""
    return ffi.cast(type_, array.ctypes.data)


def aligned(shape, dtype):
    """Zeros that begin on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start:start + size].view(dtype).reshape(shape)
