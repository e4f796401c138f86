"""Plain text -> tokenizer (byte-level BPE) -> token files.

python -m training.prepare --corpus DIR --out DIR [--tokenizer FILE | --vocab 4096]

DIR holds train.txt, valid.txt and test.txt (or .txt.xz); documents end with a line <|endoftext|>.
"""
import argparse
import json
import lzma
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"
SPLITS = ("train", "valid", "test")


def documents(folder, split):
    plain, packed = Path(folder, f"{split}.txt"), Path(folder, f"{split}.txt.xz")
    if not plain.exists() and not packed.exists():
        raise SystemExit(f"neither {plain} nor {packed} exists")
    text = plain.read_text("utf-8") if plain.exists() else lzma.open(packed, "rt", encoding="utf-8").read()
    return [d.strip("\n") + "\n" for d in text.split(END) if d.strip()]


def train_tokenizer(texts, vocab):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()  # every byte has a token, so any text can be encoded
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocab, special_tokens=[END], initial_alphabet=alphabet))
    return tok


def encode(tok, texts):
    end, ids = tok.token_to_id(END), []
    if tok.get_vocab_size() > 1 << 16:
        raise SystemExit("token files hold 16 bits a token: the vocabulary is too large")
    for at in range(0, len(texts), 1024):   # a batch is encoded on all cores
        for encoding in tok.encode_batch_fast(texts[at : at + 1024]):
            ids.append(np.array(encoding.ids + [end], dtype="<u2"))
    return np.concatenate(ids)


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--corpus", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--tokenizer", help="use this tokenizer.json instead of training one on the training text")
    ap.add_argument("--vocab", type=int, default=4096)
    a = ap.parse_args(argv)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    train = documents(a.corpus, "train")
    # Only training text shapes the tokenizer: validation and test stay unseen.
    tok = Tokenizer.from_file(a.tokenizer) if a.tokenizer else train_tokenizer(train, a.vocab)
    tok.save(str(out / "tokenizer.json"))
    counts = {}
    for split in SPLITS:
        texts = train if split == "train" else documents(a.corpus, split)
        ids = encode(tok, texts)
        ids.tofile(out / f"{split}.bin")
        counts[split] = {"documents": len(texts), "tokens": len(ids), "bytes": sum(len(t.encode()) for t in texts)}
    (out / "counts.json").write_text(json.dumps(counts, indent=1) + "\n")
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
