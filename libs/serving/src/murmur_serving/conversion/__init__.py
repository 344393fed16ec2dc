"""From an XGBoost model to the ONNX model that answers single rows ten times as fast, with the proof that it may.

`python -m murmur_serving.conversion <replica directory>` is a process of its own, so that nothing of what converting
needs (the onnx package, pyarrow) stays in the process that serves. It leaves two files beside the model, both named by
the model's sha256, so that a replica that is started again there converts nothing twice:

    <sha256>.onnx           the converted model; not there if it was refused
    <sha256>.proof.json     `proof.Proof`: what was compared, or why XGBoost has to serve
"""
