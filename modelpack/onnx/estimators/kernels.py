"""Support vectors, and others that compare rows with rows they have kept."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.columns import DOUBLE, Frame, cast, matrix, whole
from modelpack.onnx.estimators.stock import converted
from modelpack.onnx.formulas import (
    apply,
    both,
    column,
    euclidean_distances,
    product,
    refused_where,
    row_sum,
    side_by_side,
    squared_differences,
)
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import INDEX, Answers, Written, argmax, flat, labels, scaled, total


def support_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The sum of the kernels with the support vectors, by their coefficients."""
    return {"predict": lambda: flat(graph, _decisions(graph, model, frame, model.dual_coef_))}


def one_class(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The same sum, whose sign tells outliers."""

    def decision() -> Tensor:
        return flat(graph, _decisions(graph, model, frame, model.dual_coef_))

    def predict() -> Tensor:
        above = graph.node("Greater", decision(), np.zeros(1))
        return Tensor(graph.node("Where", above, np.array([1]), np.array([-1])), INDEX)

    return {"decision_function": decision, "predict": predict}


def support_classifier(graph: Graph, model: Any, frame: Frame) -> Written:
    """One decision for each pair of classes; the class with the most votes, the first of equals."""
    count = len(model.classes_)
    if model.break_ties and count > 2 and model.decision_function_shape == "ovr":
        raise NotConvertible(f"a {type(model).__name__} with break_ties")
    if hasattr(model, "predict_proba"):
        # libsvm solves a problem of its own for each row; skl2onnx has a way for that.
        return converted(graph, model, frame)

    def pairs() -> Tensor:
        return _decisions(graph, model, frame, _of_pairs(model, count))

    def votes() -> Tensor:
        return _tally(graph, cast(graph, _claim(graph, pairs()), DOUBLE), count)

    def decision() -> Tensor:
        found = pairs()
        if count == 2:
            return flat(graph, apply(graph, "Neg", found))
        if model.decision_function_shape == "ovo":
            return found
        sums = _sums(graph, found, count)
        size = scaled(graph, scaled(graph, apply(graph, "Abs", sums), "Add", 1.0), "Mul", 3.0)
        return both(graph, "Add", votes(), both(graph, "Div", sums, size))

    return {
        "predict": lambda: labels(graph, argmax(graph, votes()), model.classes_),
        "decision_function": decision,
    }


def kernel_ridge(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The kernel with the rows of the training, by the dual coefficients."""
    coefficients = np.asarray(model.dual_coef_, dtype=DOUBLE)

    def predict() -> Tensor:
        similar = _pairwise(graph, model, frame, np.asarray(model.X_fit_, dtype=DOUBLE))
        found = product(graph, similar, coefficients.reshape(len(coefficients), -1))
        return flat(graph, found) if coefficients.ndim == 1 else found

    return {"predict": predict}


def nystroem(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The kernel with a few rows, turned so that products of the results are kernels."""
    if model.kernel_params:
        raise NotConvertible("a Nystroem with kernel_params")
    similar = _pairwise(graph, model, frame, np.asarray(model.components_, dtype=DOUBLE))
    return whole(product(graph, similar, model.normalization_.T))


def rbf_sampler(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Cosines of random projections."""
    turned = scaled(
        graph, product(graph, matrix(graph, frame), model.random_weights_), "Add", model.random_offset_
    )
    return whole(scaled(graph, apply(graph, "Cos", turned), "Mul", (2.0 / model.n_components) ** 0.5))


def skewed_chi2(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Cosines of random projections of logarithms."""
    rows = matrix(graph, frame)
    wrong = graph.node("LessOrEqual", rows, np.full(1, -model.skewedness, dtype=rows.dtype))
    shifted = scaled(graph, refused_where(graph, rows, wrong), "Add", model.skewedness)
    turned = product(graph, apply(graph, "Log", shifted), model.random_weights_)
    cosines = apply(graph, "Cos", scaled(graph, turned, "Add", model.random_offset_))
    return whole(scaled(graph, cosines, "Mul", np.sqrt(2.0) / np.sqrt(model.n_components)))


def additive_chi2(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Roots, and waves of logarithms, for each column."""
    interval = model.sample_interval or {1: 0.8, 2: 0.5, 3: 0.4}.get(model.sample_steps)
    if interval is None:
        raise NotConvertible("an AdditiveChi2Sampler of so many steps")
    given = matrix(graph, frame)
    rows = refused_where(graph, given, graph.node("Less", given, np.zeros(1, dtype=given.dtype)))
    nothing = graph.node("Equal", rows, np.zeros(1, dtype=rows.dtype))
    none = np.zeros(1, dtype=rows.dtype)
    logs = scaled(graph, apply(graph, "Log", rows), "Mul", interval)
    parts = [apply(graph, "Sqrt", scaled(graph, rows, "Mul", interval))]
    twice = scaled(graph, scaled(graph, rows, "Mul", 2.0), "Mul", interval)
    for step in range(1, model.sample_steps):
        factor = apply(graph, "Sqrt", scaled(graph, twice, "Div", np.cosh(np.pi * step * interval)))
        for wave in ("Cos", "Sin"):
            made = both(graph, "Mul", factor, apply(graph, wave, scaled(graph, logs, "Mul", float(step))))
            parts.append(Tensor(graph.node("Where", nothing, none, made), rows.dtype, rows.width))
    return whole(side_by_side(graph, parts))


def label_propagation(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The labels of the rows of the training, by how near they are."""
    if model.kernel != "rbf":
        raise NotConvertible(f"labels spread by the kernel {shorten(str(model.kernel), 40)}")
    rows = matrix(graph, frame, DOUBLE)

    def shares() -> Tensor:
        apart = euclidean_distances(graph, rows, np.asarray(model.X_, dtype=DOUBLE), squared=True)
        near = apply(graph, "Exp", scaled(graph, apart, "Mul", -model.gamma))
        found = product(graph, near, np.asarray(model.label_distributions_, dtype=DOUBLE))
        return both(graph, "Div", found, row_sum(graph, found))

    return {
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
        "predict_proba": shares,
    }


def _decisions(graph: Graph, model: Any, frame: Frame, coefficients: np.ndarray) -> Tensor:
    """Rows by decisions, as libsvm computes them."""
    if hasattr(coefficients, "toarray"):
        raise NotConvertible("support vectors of a sparse matrix")
    rows = matrix(graph, frame, DOUBLE)
    vectors = np.asarray(model.support_vectors_, dtype=DOUBLE)
    if model.kernel == "rbf":
        gamma = kept(model, "_gamma")
        apart = squared_differences(graph, rows, vectors)
        similar = apply(graph, "Exp", scaled(graph, apart, "Mul", -gamma))
    else:
        similar = _of_products(graph, model, product(graph, rows, vectors.T), lambda: kept(model, "_gamma"))
    sums = product(graph, similar, np.asarray(coefficients, dtype=DOUBLE).T)
    return scaled(graph, sums, "Add", np.asarray(kept(model, "_intercept_"), dtype=DOUBLE))


def _of_pairs(model: Any, count: int) -> np.ndarray:
    """For each pair of classes a row of coefficients, zero for the vectors of other classes."""
    dual = kept(model, "_dual_coef_")
    if hasattr(dual, "toarray"):
        raise NotConvertible("support vectors of a sparse matrix")
    starts = np.r_[0, np.cumsum(kept(model, "_n_support"))]
    rows = []
    for one in range(count):
        for other in range(one + 1, count):
            row = np.zeros(dual.shape[1])
            mine, its = slice(starts[one], starts[one + 1]), slice(starts[other], starts[other + 1])
            row[mine], row[its] = dual[other - 1, mine], dual[one, its]
            rows.append(row)
    return np.array(rows)


def _claim(graph: Graph, pairs: Tensor) -> Tensor:
    return Tensor(graph.node("Greater", pairs, np.zeros(1)), np.dtype(bool), pairs.width)


def _tally(graph: Graph, first: Tensor, count: int) -> Tensor:
    """Votes by class: of each pair the one class where *first* is 1, the other where it is 0."""
    gains = np.zeros((count * (count - 1) // 2, count))
    start = np.zeros(count)
    for place, (one, other) in enumerate(_pairs(count)):
        gains[place, one] += 1
        gains[place, other] -= 1
        start[other] += 1
    return scaled(graph, product(graph, first, gains), "Add", start)


def _sums(graph: Graph, pairs: Tensor, count: int) -> Tensor:
    """By class, what the decisions say for it, summed in scikit-learn's order."""
    each = []
    for wanted in range(count):
        parts = [
            column(graph, pairs, place) if wanted == one else apply(graph, "Neg", column(graph, pairs, place))
            for place, (one, other) in enumerate(_pairs(count))
            if wanted in (one, other)
        ]
        each.append(total(graph, parts))
    return side_by_side(graph, each)


def _pairs(count: int) -> list[tuple[int, int]]:
    return [(one, other) for one in range(count) for other in range(one + 1, count)]


def _pairwise(graph: Graph, model: Any, frame: Frame, points: np.ndarray) -> Tensor:
    """``pairwise_kernels`` of scikit-learn."""
    rows = matrix(graph, frame, DOUBLE)

    def gamma() -> float:
        return 1.0 / points.shape[1] if model.gamma is None else float(model.gamma)

    if model.kernel == "rbf":
        apart = euclidean_distances(graph, rows, points, squared=True)
        return apply(graph, "Exp", scaled(graph, apart, "Mul", -gamma()))
    if callable(model.kernel):
        raise NotConvertible("a kernel that is a function")
    return _of_products(graph, model, product(graph, rows, points.T), gamma)


def _of_products(graph: Graph, model: Any, products: Tensor, gamma: Any) -> Tensor:
    if model.kernel == "linear":
        return products
    shift = 1.0 if model.coef0 is None else model.coef0
    if model.kernel in ("poly", "polynomial"):
        degree = 3 if model.degree is None else model.degree
        return scaled(
            graph, scaled(graph, scaled(graph, products, "Mul", gamma()), "Add", shift), "Pow", degree
        )
    if model.kernel == "sigmoid":
        return apply(graph, "Tanh", scaled(graph, scaled(graph, products, "Mul", gamma()), "Add", shift))
    raise NotConvertible(f"the kernel {model.kernel}")
