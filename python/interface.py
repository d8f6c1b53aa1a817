"""Makes the package's two generated files from the C headers, so that there is one list of what the library has.

_interface.py   what cffi needs to call the library: its types, constants and functions
_shapes.py      for each structure, the shape of what its pointers point at, as the headers' comments say it:
                "double *V; /* V[n_v]: ... */"

The headers go through the C compiler's preprocessor. Run by the build, and by `pip install`."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile

import cffi

# What the headers take from the C library's own, as far as cffi does not know it.
SYSTEM = {"stddef.h": "", "stdint.h": "", "stdio.h": "typedef struct _IO_FILE FILE;"}


def preprocessed(folder):
    """The text of all headers of folder/xbartab, without what only a compiler understands."""
    with tempfile.TemporaryDirectory() as system:
        for name, text in SYSTEM.items():
            with open(os.path.join(system, name), "w") as f:
                f.write(text + "\n")
        os.mkdir(os.path.join(system, "xbartab"))
        with open(os.path.join(system, "xbartab", "version.h"), "w") as f:
            f.write("const char *xbtab_version(void);\n")
        command = [os.environ.get("CC", "cc"), "-E", "-P", "-nostdinc", "-D__attribute__(x)=", "-I", system, "-I", folder]
        text = subprocess.run([*command, os.path.join(folder, "xbartab", "xbartab.h")], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
    return re.sub(r"static inline [^{;]*\{.*?\n\}", "", text, flags=re.S)


def structures(text):
    """(name, body) of each structure of a header, comments included."""
    return re.findall(r"typedef struct (xbtab_\w+) \{\n(.*?)\n\} \1;", text, re.S)


def members(body):
    """(names of the pointers, the comment behind them) of each declaration of a structure's body."""
    for declaration, comment in re.findall(r"([^;{}]+);\s*(?:/\*(?!\*)(.*?)\*/)?", body, re.S):
        declaration = re.sub(r"/\*.*?\*/", " ", declaration, flags=re.S)
        names = re.findall(r"\*\s*(?:const\s+)?(\w+)\s*(?=[,]|$)", declaration.strip())
        if names and "(" not in declaration:
            yield names, " ".join(comment.split())


def shape_of(name, comment):
    """The brackets behind a name in its comment, or at the comment's start; None where there are none."""
    found = re.search(r"\b%s((?:\[[^\]]+\])+)" % name, comment) or re.match(r"((?:\[[^\]]+\])+)", comment)
    return tuple(re.findall(r"\[([^\]]+)\]", found.group(1))) if found else None


def shapes(folder):
    """{structure: {pointer: (size, ...)}}, each size an expression over the members of the structure, of those around
    it and of their other parts."""
    out = {}
    for header in sorted(os.listdir(os.path.join(folder, "xbartab"))):
        with open(os.path.join(folder, "xbartab", header)) as f:
            text = f.read()
        for name, body in structures(text):
            counts = set(re.findall(r"\b(n_\w+)", body))
            for pointers, comment in members(body):
                for pointer in pointers:
                    shape = shape_of(pointer, comment)
                    for count in ("n_" + pointer, "n_" + pointer + "s"):
                        if not shape and count in counts:
                            shape = (count,)
                    if shape:
                        sizes = tuple(s.replace("->", ".").replace(", or ", " or ") for s in shape)
                        out.setdefault(name, {})[pointer] = sizes
    return out


def generate(folder, output):
    """Write both files into the folder output."""
    ffi = cffi.FFI()
    ffi.cdef(preprocessed(folder) + "\nvoid free(void *);\n")
    ffi.set_source("xbartab._interface", None)
    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        ffi.emit_python_code(os.path.join(output, "_interface.py"))
    with open(os.path.join(output, "_shapes.py"), "w") as f:
        f.write("# Made from the C headers by interface.py.\nSHAPES = {\n")
        for name, pointers in sorted(shapes(folder).items()):
            f.write("    %r: %r,\n" % (name, pointers))
        f.write("}\n")


if __name__ == "__main__":
    generate(sys.argv[1], sys.argv[2])
