"""Which of scikit-learn's estimators are certified as ONNX: ``python -m tests.conversions`` says it."""
