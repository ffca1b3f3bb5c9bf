"""Which file each sample of a map-style dataset is, where the dataset itself says so."""

import os

# Where datasets keep their files: torchvision's, and what everybody calls it. timm's have a `reader` for it.
LISTS = ("samples", "imgs", "_samples", "_image_files", "_images", "_imgs", "image_files", "image_paths",
         "img_paths", "paths", "files", "filenames", "file_list")
ROOTS = ("root", "root_dir", "data_dir", "image_dir", "img_dir", "data_root", "images_dir")
PATHS = (str, bytes, os.PathLike)


def _path(entry):
    return entry[0] if isinstance(entry, (tuple, list)) and entry else entry


def _own(holder, name):
    """An attribute that is plainly there: no property, no __getattr__ of the program's runs for us."""
    return getattr(holder, "__dict__", {}).get(name)


def _entries(dataset):
    """The dataset's list of files or of (file, ...), or None. Looks at two entries only."""
    n = len(dataset)
    for holder in (dataset, _own(dataset, "reader")):
        for name in LISTS:
            entries = _own(holder, name)
            if not (isinstance(entries, (list, tuple)) or type(entries).__name__ == "ndarray") or len(entries) != n or not n:
                continue
            ends = entries[0], entries[n - 1]
            if all(isinstance(_path(e), PATHS) and os.path.isfile(_path(e)) for e in ends) and not _several(ends[0]):
                return entries
    return None


def _several(entry):
    """A sample of more than one file: the order in which they are opened must be learned."""
    return isinstance(entry, (tuple, list)) and any(isinstance(x, PATHS) and os.path.isfile(x) for x in entry[1:])


def _inside(dataset):
    """(Subset's dataset and indices) or (ConcatDataset's parts) or neither, by class of torch."""
    from torch.utils.data import ConcatDataset, Subset
    if isinstance(dataset, Subset):
        return (dataset.dataset,), dataset.indices
    if isinstance(dataset, ConcatDataset):
        return tuple(dataset.datasets), None
    return (), None


def says(dataset):
    """Does the dataset say which files it opens?"""
    parts, _ = _inside(dataset)
    return all(map(says, parts)) if parts else _entries(dataset) is not None


def paths(dataset):
    """The path of each sample, as the dataset has it. Only where says() is true."""
    parts, indices = _inside(dataset)
    if indices is not None:
        whole = list(paths(parts[0]))
        for i in indices:
            yield whole[int(i)]
    elif parts:
        for p in parts:
            yield from paths(p)
    else:
        for entry in _entries(dataset):
            yield _path(entry)


def path_at(dataset, i):
    """The path of sample i. Only where says() is true."""
    parts, indices = _inside(dataset)
    if indices is not None:
        return path_at(parts[0], int(indices[i]))
    for p in parts:
        if i < len(p):
            return path_at(p, i)
        i -= len(p)
    return _path(_entries(dataset)[i])


def size(dataset):
    """What the files take in whole pages: of many, from each of so many a sample (to some percent)."""
    n = len(dataset)
    step = 1 if n <= 4096 else n / 1024
    some = [int(k * step) for k in range(int(n / step))]
    return sum(-(-os.stat(path_at(dataset, i)).st_size // 4096) for i in some) * 4096 * n // max(1, len(some))


def packed(dataset):
    """All paths, absolute, each with a NUL: what the library reads."""
    here = os.fsencode(os.getcwd()) + b"/"

    def absolute(p):
        p = os.fsencode(p)
        if not p.startswith(b"/"):
            p = here + p
        if b"//" in p or b"/." in p:
            p = os.path.normpath(p)
        return p
    return b"\0".join(map(absolute, paths(dataset))) + b"\0"


def roots(dataset):
    """Folders (absolute, bytes) that hold the dataset, as it names them or as its files lie."""
    parts, _ = _inside(dataset)
    if parts:
        return [r for p in parts for r in roots(p)]
    for name in ROOTS:
        root = _own(dataset, name)
        if isinstance(root, PATHS) and os.fspath(root) and os.path.isdir(root):
            return [os.path.abspath(os.fsencode(root))]
    entries = _entries(dataset)
    if entries is None:
        return []
    n = len(entries)
    some = [os.path.dirname(os.path.abspath(os.fsencode(_path(entries[i])))) for i in range(0, n, max(1, n // 1000))]
    return [os.path.commonpath(some)]
