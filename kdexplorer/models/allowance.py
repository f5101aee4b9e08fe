"""A bound on the memory that foreign code may take while it builds a network from a file, or first runs it."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

TIMES = 4  # what is stored may be there so often: as it was read, as built, and as it is copied into place
MORE_BYTES = 1024**3  # beyond that: masks, and features of a small image
TIMES_TENSORS = 8
MORE_TENSORS = 5_000
SMALL = 2**21  # numbers that no operation is looked at for before it runs


class TooLargeError(Exception):
    """What is done needs far more than the weights."""


class Allowance(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, whatever would hold many times the memory that `tensors` take ends with `TooLargeError`, before it is
    made.

    Architectures are as deep and wide, and their masks as large, as shapes and numbers in names say, so that a small
    file could ask for any size. Tensors that share what is stored count once.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        tensors = list(tensors)
        stored = {storage.data_ptr(): storage.nbytes() for storage in map(Tensor.untyped_storage, tensors)}
        self._left = TIMES * sum(stored.values()) + MORE_BYTES
        self._tensors = TIMES_TENSORS * len(tensors) + MORE_TENSORS
        self._bytes: dict[Any, int] = {}
        self._known: set[int] = set()  # storages that were made here and are still there

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not _makes(func):
            return func(*args, **kwargs)
        given = [*_leaves(args), *_leaves(kwargs.values())]
        self._tensors -= not any(isinstance(leaf, Tensor) for leaf in given)
        if self._tensors < 0 or self._needed(func, args, kwargs, given) > self._left:
            raise TooLargeError
        result = func(*args, **kwargs)
        for leaf in _leaves((result,)):
            if isinstance(leaf, Tensor):
                self._count(leaf)
        return result

    def _needed(self, func: Any, args: Any, kwargs: Any, given: list[Any]) -> int:
        """Bytes of what `func` returns, found without making it; 0 where it is little, or only its values tell."""
        sizes = [leaf.numel() if isinstance(leaf, Tensor) else leaf for leaf in given]
        if math.prod(max(1, abs(size)) for size in sizes if isinstance(size, int)) <= SMALL:
            return 0
        seen = (func, *((leaf.shape, leaf.dtype) if isinstance(leaf, Tensor) else leaf for leaf in given))
        if seen not in self._bytes:  # layers repeat
            self._bytes[seen] = _bytes(
                func, args, kwargs, all(not isinstance(leaf, Tensor) for leaf in given)
            )
        return self._bytes[seen]

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self._known:
            return
        self._known.add(storage._cdata)
        size = storage.nbytes()
        self._left -= size
        weakref.finalize(storage, self._freed, storage._cdata, size)
        if self._left < 0:
            raise TooLargeError

    def _freed(self, known: int, size: int) -> None:
        self._known.discard(known)
        self._left += size


@cache
def _makes(func: Any) -> bool:
    """Whether an operation returns tensors of its own, neither what it was given nor a view of it."""
    schema = func._schema
    return not schema.is_mutable and all(returned.alias_info is None for returned in schema.returns)


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _leaves(value)
        else:
            yield value


def _bytes(func: Any, args: Any, kwargs: Any, alone: bool) -> int:
    """How large the result is, from shapes; `alone`: nothing is given that would say where it is made."""
    args, kwargs = tree_map(_shape, (args, kwargs))
    if alone:
        kwargs = {**kwargs, "device": torch.device("meta")}
    try:
        result = func(*args, **kwargs)
    except (RuntimeError, NotImplementedError, TypeError):
        return 0  # it is counted when it is there
    return sum(leaf.numel() * leaf.element_size() for leaf in _leaves((result,)) if isinstance(leaf, Tensor))


def _shape(leaf: Any) -> Any:
    """A tensor of the same shape without numbers; all else as it is."""
    if not isinstance(leaf, Tensor):
        return torch.device("meta") if isinstance(leaf, torch.device) else leaf
    return torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device="meta")
