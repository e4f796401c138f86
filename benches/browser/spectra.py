"""Small matrices with the spectra of every head, for peers that have singular values and nothing else.

R = Z J Z^T has the non-zero singular values of C^T J C, where Z^T Z = C C^T. The peer gets these small matrices ready
made, in the order of the explorer's own results; the explorer makes them itself within its measured time.
"""
import numpy as np


def factor(gram):
    """C with C C^T = gram, also where that is singular."""
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 0))


def parts(config, t, layer, head):
    """(J of the routing part, of the filtering part) between score vectors: u for S-D, [q k] for a standard head."""
    r = config["head_dim"][layer]
    if config["family"] == "sd":
        kernel = t[f"{layer}.kernel"][head] / np.sqrt(r)
        return (kernel - kernel.T) / 2, (kernel + kernel.T) / 2
    eye, zero = np.eye(r) / (2 * np.sqrt(r)), np.zeros((r, r))
    return np.block([[zero, eye], [-eye, zero]]), np.block([[zero, eye], [eye, zero]])


def score_weights(config, t, layer, head):
    """([d, w] matrix, bias) that makes the score vectors from a layer's input."""
    r = config["head_dim"][layer]
    names = "k" if config["family"] == "sd" else "qk"
    columns = slice(head * r, (head + 1) * r)
    weight = np.concatenate([t[f"{layer}.{n}"][:, columns] for n in names], 1)
    zero = np.zeros(config["heads"] * r)
    return weight, np.concatenate([t.get(f"{layer}.{n}.bias", zero)[columns] for n in names])


def matrices(config, t, inputs):
    """[4 kinds, layers, heads, w, w]: operating routing and filtering, capacity routing and filtering."""
    found = []
    for layer, x in enumerate(inputs):
        for head in range(config["heads"]):
            weight, bias = score_weights(config, t, layer, head)
            z = x @ weight + bias
            factors = [factor(z.T @ z), factor(weight.T @ weight)]
            found.append([c.T @ j @ c for c in factors for j in parts(config, t, layer, head)])
    shape = (config["layers"], config["heads"], 4) + found[0][0].shape
    return np.array(found).reshape(shape).transpose(2, 0, 1, 3, 4)
