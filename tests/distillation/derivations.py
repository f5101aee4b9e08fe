"""The papers' formulas in plain Python: floats and loops, no tensor operation that the package might share."""

import math
from collections.abc import Sequence

Row = Sequence[float]
Rows = Sequence[Row]


def softmax(row: Row, temperature: float = 1.0) -> list[float]:
    powers = [math.exp((z - max(row)) / temperature) for z in row]
    return [p / math.fsum(powers) for p in powers]


def kl(p: Row, q: Row) -> float:
    return math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def dot(a: Row, b: Row) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def norm(a: Row) -> float:
    return math.sqrt(dot(a, a))


def minus(a: Row, b: Row) -> list[float]:
    return [x - y for x, y in zip(a, b, strict=True)]


def smooth_l1(difference: float) -> float:
    size = abs(difference)
    return size**2 / 2 if size < 1 else size - 0.5


def soft_targets(student: Rows, teacher: Rows, temperature: float) -> float:
    return temperature**2 * mean(
        [kl(softmax(t, temperature), softmax(s, temperature)) for s, t in zip(student, teacher, strict=True)]
    )


def standardized(rows: Rows) -> list[list[float]]:
    found = []
    for row in rows:
        middle = mean(row)
        deviation = math.sqrt(math.fsum((z - middle) ** 2 for z in row) / (len(row) - 1))
        found.append([(z - middle) / (deviation + 1e-7) for z in row])
    return found


def logit_standardization(student: Rows, teacher: Rows, temperature: float) -> float:
    return soft_targets(standardized(student), standardized(teacher), temperature)


def dkd(
    student: Rows, teacher: Rows, target: Sequence[int], alpha: float, beta: float, temperature: float
) -> float:
    total = []
    for s, t, y in zip(student, teacher, target, strict=True):
        p, q = softmax(t, temperature), softmax(s, temperature)
        of_target = kl([p[y], 1 - p[y]], [q[y], 1 - q[y]])
        others = [c for c in range(len(s)) if c != y]
        of_rest = kl(
            softmax([t[c] for c in others], temperature), softmax([s[c] for c in others], temperature)
        )
        total.append(alpha * of_target + beta * of_rest)
    return temperature**2 * mean(total)


def self_distillation(
    student: Rows,
    teacher: Rows,
    target: Sequence[int],
    feature: Rows,
    teacher_feature: Rows,
    alpha: float,
    hint: float,
    temperature: float,
) -> float:
    labels = mean([-math.log(softmax(row)[y]) for row, y in zip(student, target, strict=True)])
    apart = mean([norm(minus(a, b)) ** 2 for a, b in zip(feature, teacher_feature, strict=True)])
    return (1 - alpha) * labels + alpha * soft_targets(student, teacher, temperature) + hint * apart


def correlation(a: Row, b: Row) -> float:
    a, b = [x - mean(a) for x in a], [x - mean(b) for x in b]
    return dot(a, b) / (norm(a) * norm(b) + 1e-8)


def dist(student: Rows, teacher: Rows, beta: float, gamma: float, temperature: float) -> float:
    p = [softmax(row, temperature) for row in student]
    q = [softmax(row, temperature) for row in teacher]
    rows = mean([correlation(a, b) for a, b in zip(p, q, strict=True)])
    columns = mean(
        [correlation(a, b) for a, b in zip(zip(*p, strict=True), zip(*q, strict=True), strict=True)]
    )
    return temperature**2 * (beta * (1 - rows) + gamma * (1 - columns))


def mean_power(student: Row, teacher: Row, power: int) -> float:
    return mean([abs(d) ** power for d in minus(student, teacher)])


def attention(channels: Rows) -> list[float]:
    strength = [mean([x**2 for x in place]) for place in zip(*channels, strict=True)]
    return [x / norm(strength) for x in strength]


def attention_transfer(student: Sequence[Rows], teacher: Sequence[Rows]) -> float:
    pairs = zip(student, teacher, strict=True)
    return mean([mean_power(attention(s), attention(t), 2) for s, t in pairs])


def channel_attention(student: Sequence[Rows], teacher: Sequence[Rows]) -> float:
    return mean(
        [
            norm(minus([mean(c) for c in t], [mean(c) for c in s]))
            for s, t in zip(student, teacher, strict=True)
        ]
    )


def similarity(features: Rows) -> list[list[float]]:
    gram = [[dot(a, b) for b in features] for a in features]
    return [[x / norm(row) for x in row] for row in gram]


def similarity_preserving(student: Rows, teacher: Rows) -> float:
    g_s, g_t = similarity(student), similarity(teacher)
    return math.fsum(norm(minus(a, b)) ** 2 for a, b in zip(g_s, g_t, strict=True)) / len(student) ** 2


def relative_distances(points: Rows) -> list[float]:
    distances = [norm(minus(a, b)) for a in points for b in points]
    return [d / mean([d for d in distances if d > 0]) for d in distances]


def rkd_distance(student: Rows, teacher: Rows) -> float:
    return mean([smooth_l1(d) for d in minus(relative_distances(student), relative_distances(teacher))])


def cosines(points: Rows, anchors: Sequence[int]) -> list[float]:
    found = []
    for i in anchors:
        for a in points:
            for b in points:
                u, v = minus(a, points[i]), minus(b, points[i])
                lengths = norm(u) * norm(v)
                found.append(dot(u, v) / lengths if lengths else 0.0)
    return found


def rkd_angle(student: Rows, teacher: Rows, anchors: Sequence[int]) -> float:
    return mean([smooth_l1(d) for d in minus(cosines(student, anchors), cosines(teacher, anchors))])


def affinity(points: Rows) -> list[list[float]]:
    long = [[x / (norm(p) + 1e-7) for x in p] for p in points]
    rows = [[(dot(a, b) + 1) / 2 for b in long] for a in long]
    return [[x / math.fsum(row) for x in row] for row in rows]


def pkt(student: Rows, teacher: Rows) -> float:
    rows = zip(affinity(student), affinity(teacher), strict=True)
    return mean(
        [t * math.log((t + 1e-7) / (s + 1e-7)) for p_s, p_t in rows for s, t in zip(p_s, p_t, strict=True)]
    )


def nst(student: Sequence[Rows], teacher: Sequence[Rows]) -> float:
    def kernel(a: Rows, b: Rows) -> float:
        return mean([(dot(x, y) / norm(x) / norm(y)) ** 2 for x in a for y in b])

    pairs = zip(student, teacher, strict=True)
    return mean([kernel(s, s) + kernel(t, t) - 2 * kernel(s, t) for s, t in pairs])


def vid(means: Sequence[Rows], teacher: Sequence[Rows], variance: Row) -> float:
    total = []
    for image, wanted in zip(means, teacher, strict=True):
        for channel, other, v in zip(image, wanted, variance, strict=True):
            total += [((m - t) ** 2 / v + math.log(v)) / 2 for m, t in zip(channel, other, strict=True)]
    return mean(total)


def nce(positive: float, negatives: Row, samples: int) -> float:
    c = len(negatives) / samples
    return -math.log(positive / (positive + c + 1e-7)) - math.fsum(
        math.log(c / (p + c + 1e-7)) for p in negatives
    )


def crd(
    student: Rows,
    teacher: Rows,
    student_memory: Rows,
    teacher_memory: Rows,
    index: Sequence[int],
    negatives: Sequence[Sequence[int]],
    temperature: float,
    normalizers: tuple[float, float],
) -> float:
    total = []
    for anchors, memory, z in (
        (student, teacher_memory, normalizers[0]),
        (teacher, student_memory, normalizers[1]),
    ):
        for anchor, i, others in zip(anchors, index, negatives, strict=True):
            scores = [math.exp(dot(anchor, memory[k]) / temperature) / z for k in (i, *others)]
            total.append(nce(scores[0], scores[1:], len(memory)))
    return 2 * mean(total)
