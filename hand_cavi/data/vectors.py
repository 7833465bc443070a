"""Vectors of numbers in compiled loops: arithmetic, exp and ln on several rows at once.

numba's loops over arrays become vector instructions where its compiler sees that it may; a loop over rows of
several arrays pays for the proof every time that it begins. Here the vector is a value, and one operation on
it is one instruction, or four that do not wait for one another.
"""

import math
import operator
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic, models, overload, register_model

_FEATURES = binding.get_host_cpu_features()
NARROW = 8 if _FEATURES.get("avx512f") else 4 if _FEATURES.get("avx") else 2
"""How many numbers of 64 bits one instruction works on."""
LANES = 4 * NARROW
"""Rows that go through a loop together."""

_instructions: Callable[[Callable], Callable[..., Any]] = intrinsic


class Vector(types.Type):
    """Numbers of 64 bits, on which + - * / work one by one; so they do on a vector and a number."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"Vector({lanes})")
        self.lanes = lanes
        self.doubles = ir.VectorType(ir.DoubleType(), lanes)
        self.integers = ir.VectorType(ir.IntType(64), lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: object, kind: Vector) -> None:
        super().__init__(manager, kind, kind.doubles)


_ROWS, _SUMS = Vector(LANES), Vector(NARROW)
_FUSE = ("contract",)  # no flag lets the compiler assume that numbers are finite: not-a-number comes through


def _repeated(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """Return a vector of one number, or the vector that it is already."""
    if isinstance(value.type, ir.VectorType):
        return value
    empty = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, empty, _places([0] * lanes))


def _places(places: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


def _integers(number: int, kind: Vector) -> ir.Constant:
    return ir.Constant(kind.integers, [number] * kind.lanes)


def _data(context: Any, builder: ir.IRBuilder, kind: types.Array, array: ir.Value) -> ir.Value:
    return context.make_array(kind)(context, builder, array).data


def _arithmetic(symbol: Callable, instruction: str) -> None:
    """Let numba compile `symbol`, such as +, for vectors."""

    @_instructions
    def done(typing: object, a: types.Type, b: types.Type) -> tuple:
        kind = a if isinstance(a, Vector) else b
        assert isinstance(kind, Vector)

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
            vectors = [_repeated(builder, value, kind.lanes) for value in values]
            return getattr(builder, instruction)(*vectors, flags=_FUSE)

        return kind(*(x if isinstance(x, Vector) else types.float64 for x in (a, b))), generate

    @overload(symbol, strict=False)
    def on_vectors(a: types.Type, b: types.Type) -> Callable | None:
        if isinstance(a, Vector) or isinstance(b, Vector):
            return lambda a, b: done(a, b)
        return None


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")


def _loading(kind: Vector) -> Callable:
    """Return the function that reads a vector from where `place` counts from an array's first number."""

    @_instructions
    def load(typing: object, array: types.Array, place: types.Integer) -> tuple:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
            first = builder.gep(_data(context, builder, array, values[0]), [values[1]], inbounds=True)
            return builder.load(builder.bitcast(first, kind.doubles.as_pointer()), align=8)

        return kind(array, types.intp), generate

    return load


load, load_sums = _loading(_ROWS), _loading(_SUMS)


@_instructions
def store(typing: object, array: types.Array, place: types.Integer, vector: Vector) -> tuple:
    """Write a vector to where `place` counts from an array's first number."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        first = builder.gep(_data(context, builder, array, values[0]), [values[1]], inbounds=True)
        builder.store(values[2], builder.bitcast(first, vector.doubles.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), generate


@_instructions
def load_column(typing: object, array: types.Array, place: types.Integer, step: types.Integer) -> tuple:
    """Read numbers that lie `step` apart."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        data, place, step = _data(context, builder, array, values[0]), values[1], values[2]
        vector = ir.Constant(_ROWS.doubles, ir.Undefined)
        for lane in range(LANES):
            number = builder.load(builder.gep(data, [place], inbounds=True))
            vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), lane))
            place = builder.add(place, step)
        return vector

    return _ROWS(array, types.intp, types.intp), generate


@_instructions
def everywhere(typing: object, number: types.Float) -> tuple:
    """Return a vector of one number."""
    return _ROWS(types.float64), lambda _, builder, signature, values: _repeated(builder, values[0], LANES)


@_instructions
def larger(typing: object, a: Vector, b: Vector) -> tuple:
    """Return the larger of two, and b where a is not a number."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        return builder.select(builder.fcmp_ordered(">", *values), *values)

    return a(a, b), generate


@_instructions
def _zero_below(typing: object, bound: types.Float, x: Vector, y: Vector) -> tuple:
    """Return 0 where x is below a bound, and y elsewhere."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        below = builder.fcmp_ordered("<", values[1], _repeated(builder, values[0], x.lanes))
        return builder.select(below, ir.Constant(y.doubles, None), values[2])

    return x(types.float64, x, y), generate


@_instructions
def add_products(typing: object, sums: Vector, a: Vector, b: Vector) -> tuple:
    """Add a b to sums, of which there are fewer: every one is of some rows."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        total, first, second = values
        for begin in range(0, a.lanes, sums.lanes):
            some = _places(list(range(begin, begin + sums.lanes)))
            x, y = (
                builder.shuffle_vector(v, ir.Constant(v.type, ir.Undefined), some) for v in (first, second)
            )
            total = builder.fadd(total, builder.fmul(x, y, flags=_FUSE), flags=_FUSE)
        return total

    return sums(sums, a, b), generate


@_instructions
def bits_of(typing: object, x: types.Float) -> tuple:
    """Return a number's 64 bits as an integer."""
    bits = types.uint64(types.float64)
    return bits, lambda _, builder, signature, values: builder.bitcast(values[0], ir.IntType(64))


# ---- exp and ln -------------------------------------------------------------------------------

_LN_2, _LOG2_E = math.log(2), 1 / math.log(2)
_LN_2_HIGH, _LN_2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is ln 2; n times HIGH is exact
_TO_INTEGER = 1.5 * 2.0**52  # added to a small number, it leaves the nearest integer in the lowest bits
_TWO_52, _TWO_52_BITS = 2.0**52, 0x4330000000000000
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_SMALLEST = -708.0  # exp of less is no normal number
_EXP = tuple(
    1 / math.factorial(n) for n in range(13)
)  # Taylor; for |y| <= ln 2/2 it leaves out less than 2e-16
_LOG = tuple(2 / (2 * n + 1) for n in range(11))  # the same for ln m = 2 artanh s, |s| <= 0.172

FUSED: dict[str, Any] = {"fastmath": set(_FUSE), "error_model": "numpy"}
"""How loops are compiled: a product and a sum may be one instruction."""
inlined = njit(forceinline=True, **FUSED)


@_instructions
def _times_power(typing: object, p: Vector, shifted: Vector) -> tuple:
    """Return p 2^n for the integer n in the lowest bits of `shifted`: it is added to the exponent."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        bits, n = (builder.bitcast(value, p.integers) for value in values)
        return builder.bitcast(builder.add(bits, builder.shl(n, _integers(52, p))), p.doubles)

    return p(p, shifted), generate


@_instructions
def _split(typing: object, z: Vector) -> tuple:
    """Return n and m with z = 2^n m and m between the roots of 1/2 and 2, for finite z >= 1."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list) -> ir.Value:
        bits, fifty_two = builder.bitcast(values[0], z.integers), _integers(52, z)
        n = builder.lshr(builder.sub(bits, _integers(_ROOT_HALF_BITS, z)), fifty_two)
        m = builder.bitcast(builder.sub(bits, builder.shl(n, fifty_two)), z.doubles)
        large = builder.bitcast(builder.or_(n, _integers(_TWO_52_BITS, z)), z.doubles)  # 2^52 + n
        exponent = builder.fsub(large, ir.Constant(z.doubles, [_TWO_52] * z.lanes))
        return context.make_tuple(builder, signature.return_type, (exponent, m))

    return types.UniTuple(z, 2)(z), generate


@inlined
def exp(x: float) -> float:
    """Return exp(x) for x <= 709 to 4e-16 of itself, and 0 below -708."""
    shifted = x * _LOG2_E + _TO_INTEGER
    n = shifted - _TO_INTEGER  # x = n ln 2 + y
    y = (x - n * _LN_2_HIGH) - n * _LN_2_LOW
    y2 = y * y
    y4 = y2 * y2
    # By pairs, not by Horner's long chain: what does not wait for another is done at the same time.
    low = (_EXP[2] + _EXP[3] * y) + (_EXP[4] + _EXP[5] * y) * y2
    middle = (_EXP[6] + _EXP[7] * y) + (_EXP[8] + _EXP[9] * y) * y2
    high = (_EXP[10] + _EXP[11] * y) + _EXP[12] * y2
    p = (low + (middle + high * y4) * y4) * y2 + y + 1.0
    return _zero_below(_SMALLEST, x, _times_power(p, shifted))


@inlined
def log(z: float) -> float:
    """Return ln(z) for finite z >= 1, to 4e-16 of max(1, ln z)."""
    exponent, m = _split(z)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    q2 = q * q
    q4 = q2 * q2
    low = (_LOG[1] + _LOG[2] * q) + (_LOG[3] + _LOG[4] * q) * q2
    middle = (_LOG[5] + _LOG[6] * q) + (_LOG[7] + _LOG[8] * q) * q2
    high = _LOG[9] + _LOG[10] * q
    p = low + (middle + high * q4) * q4
    return exponent * _LN_2 + (2.0 * s + s * q * p)


# ---- compiling -------------------------------------------------------------------------------


def _edition() -> str:
    """Return what changes with any file of this folder: numba itself looks at the file of the loop alone."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return f"{zlib.crc32(b''.join(file.read_bytes() for file in files)):08x}"


_EDITION = _edition()


def compile_loop(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Compile, once for all processes if there is a folder to keep the result in, else for this one.

    numba looks at NUMBA_CACHE_DIR, then beside the function's file, then in the user's folder of caches.
    What it keeps is called by the function's name.
    """
    function.__qualname__ += f"_{_EDITION}"
    try:
        return njit(function, nogil=True, cache=True, **options)
    except RuntimeError:
        return njit(function, nogil=True, **options)


def all_threads() -> int:
    """Return how many threads this process may use: OMP_NUM_THREADS if it says, else its processors."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
