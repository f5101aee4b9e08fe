"""Feature, token and image formulas in plain Python, as `derivations.py` has those of responses and relations."""

import math
from collections.abc import Sequence
from typing import Any

from derivations import Row, Rows, dot, kl, mean, norm, softmax

Image = Sequence[Rows]  # channels of rows of pixels


def flat(nested: Any) -> list[float]:
    return [x for part in nested for x in flat(part)] if isinstance(nested, list | tuple) else [nested]


def mean_absolute(a: Any, b: Any) -> float:
    return mean([abs(x - y) for x, y in zip(flat(a), flat(b), strict=True)])


def mean_square(a: Any, b: Any) -> float:
    return mean([(x - y) ** 2 for x, y in zip(flat(a), flat(b), strict=True)])


def pooled(rows: Rows, side: int) -> list[list[float]]:
    """Means of equal blocks; `side` divides the map."""
    height, width = len(rows) // side, len(rows[0]) // side
    return [
        [
            mean([rows[i * height + a][j * width + b] for a in range(height) for b in range(width)])
            for j in range(side)
        ]
        for i in range(side)
    ]


def channel_wise(student: Sequence[Image], teacher: Sequence[Image], temperature: float) -> float:
    channels = [
        (flat(s), flat(t)) for a, b in zip(student, teacher, strict=True) for s, t in zip(a, b, strict=True)
    ]
    return temperature**2 * mean([kl(softmax(t, temperature), softmax(s, temperature)) for s, t in channels])


def hierarchical_context(student: Sequence[Image], teacher: Sequence[Image]) -> float:
    total, weights = mean_square(student, teacher), 1.0
    for power, side in enumerate([side for side in (4, 2, 1) if side < len(student[0][0])], 1):
        a, b = ([[pooled(rows, side) for rows in image] for image in images] for images in (student, teacher))
        total += mean_square(a, b) / 2**power
        weights += 1 / 2**power
    return total / weights


def convolved(image: Image, weight: Sequence[Image], bias: Row) -> list[list[list[float]]]:
    """3×3 with zeros around."""
    height, width = len(image[0]), len(image[0][0])
    window = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    return [
        [
            [
                b0
                + math.fsum(
                    filters[c][a + 1][b + 1] * image[c][i + a][j + b]
                    for c in range(len(image))
                    for a, b in window
                    if 0 <= i + a < height and 0 <= j + b < width
                )
                for j in range(width)
            ]
            for i in range(height)
        ]
        for filters, b0 in zip(weight, bias, strict=True)
    ]


def masked_generative(generated: Any, teacher: Any) -> float:
    return mean_square(generated, teacher) * len(flat(teacher)) / len(teacher)


def class_activation(image: Image, gradients: Row) -> list[float]:
    """`gradients`: a channel's mean gradient."""
    channels = [flat(rows) for rows in image]
    return [max(dot(gradients, position), 0.0) for position in zip(*channels, strict=True)]


def grad_cam(students: Rows, teachers: Rows) -> float:
    return mean([1 - dot(s, t) / norm(s) / norm(t) for s, t in zip(students, teachers, strict=True)])


def affinities(image: Image) -> list[float]:
    positions = list(zip(*[flat(rows) for rows in image], strict=True))
    return [dot(a, b) / norm(a) / norm(b) for a in positions for b in positions]


def feature_affinity(student: Sequence[Image], teacher: Sequence[Image]) -> float:
    return mean_absolute([affinities(x) for x in student], [affinities(x) for x in teacher])


def attention_rows(queries: Rows, keys: Rows) -> list[list[float]]:
    return [softmax([dot(q, k) / math.sqrt(len(q)) for k in keys]) for q in queries]


def average(rows: Sequence[Rows]) -> list[list[float]]:
    return [[mean(p) for p in zip(*same, strict=True)] for same in zip(*rows, strict=True)]


def mean_kl(student: Sequence[Rows], teacher: Sequence[Rows]) -> float:
    return mean([
        kl(q, p) for a, b in zip(student, teacher, strict=True) for p, q in zip(a, b, strict=True)
    ])  # fmt: skip


def contrast(anchor: Any, positive: Any, negatives: Sequence[Any]) -> float:
    total = []
    for level, weight in enumerate((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)):
        far = math.fsum(mean_absolute(anchor[level], n[level]) for n in negatives)
        total.append(weight * mean_absolute(anchor[level], positive[level]) / (far + 1e-7))
    return math.fsum(total)


def distribution_mapping(student: Sequence[Image], teacher: Sequence[Image], words: Rows) -> float:
    found = []
    for s, t in zip(student, teacher, strict=True):
        maps = [zip(*[flat(rows) for rows in image], strict=True) for image in (s, t)]
        for places in zip(*maps, strict=True):
            own, wanted = (softmax([-norm([a - b for a, b in zip(z, w, strict=True)]) ** 2 for w in words])
                           for z in places)  # fmt: skip
            found.append(-math.fsum(q * math.log(p) for p, q in zip(own, wanted, strict=True)))
    return mean(found)


def cubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def shrunken_row(row: Row, scale: int) -> list[float]:
    """Bicubic with a = −½, stretched by `scale` against aliasing, normalised at the borders."""
    found = []
    for i in range(len(row) // scale):
        weights = [cubic((j + 0.5 - (i + 0.5) * scale) / scale) for j in range(len(row))]
        found.append(dot(weights, row) / math.fsum(weights))
    return found


def shrunken(rows: Rows, scale: int) -> list[list[float]]:
    down = [shrunken_row(row, scale) for row in rows]
    columns = [shrunken_row(column, scale) for column in zip(*down, strict=True)]
    return [[min(max(x, 0.0), 1.0) for x in row] for row in zip(*columns, strict=True)]


def augmented(rows: Rows, operations: Sequence[str]) -> list[list[float]]:
    for operation in operations:
        if operation == "invert":
            rows = [[1 - x for x in row] for row in rows]
        elif operation == "vertical":
            rows = rows[::-1]
        elif operation == "horizontal":
            rows = [row[::-1] for row in rows]
        else:
            rows = [list(column) for column in zip(*rows, strict=True)]
    return [list(row) for row in rows]


def standardised(image: Image) -> list[float]:
    values = flat(image)
    middle = mean(values)
    spread = mean([(x - middle) ** 2 for x in values])
    return [(x - middle) / (spread + 1e-6) ** 0.5 for x in values]


def multi_scale(students: Any, teachers: Any, weights: Rows, temperature: float) -> float:
    images = []
    for b, row in enumerate(weights):
        total = []
        for level, weight in enumerate(row):
            s, t = students[level][b], teachers[level][b]
            if level < len(row) / 2:
                distance = mean_square(standardised(s), standardised(t))
            else:
                pairs = [
                    (softmax(flat(a), temperature), softmax(flat(c), temperature))
                    for a, c in zip(s, t, strict=True)
                ]
                distance = temperature**2 * mean([kl(theirs, own) for own, theirs in pairs])
            total.append(weight * distance)
        images.append(math.fsum(total))
    return mean(images)


def artifact_attention(students: Any, teachers: Any, regions: Sequence[Rows]) -> float:
    found = []
    for s, t, region in zip(students, teachers, regions, strict=True):
        looks = []
        for image in (s, t):
            places = zip(*[flat(rows) for rows in image], strict=True)
            seen = [r * mean([x * x for x in place]) for r, place in zip(flat(region), places, strict=True)]
            looks.append([x / norm(seen) for x in seen])
        found.append(mean_square(*looks))
    return mean(found)


def gated_response(student: Any, teacher: Any, target: Any, gate: str) -> float:
    total = []
    for images in zip(student, teacher, target, strict=True):
        pixels = list(
            zip(*[list(zip(*[flat(rows) for rows in x], strict=True)) for x in images], strict=True)
        )
        whole = [math.fsum(mean_absolute(p[k], p[2]) for p in pixels) for k in (0, 1)]
        for s, t, y in pixels:
            better = mean_absolute(t, y) < mean_absolute(s, y) if gate == "pixel" else whole[1] < whole[0]
            total += [abs(a - b) if better else 0.0 for a, b in zip(s, t, strict=True)]
    return mean(total)
