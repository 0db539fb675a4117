"""Boosted trees of other libraries than scikit-learn, each written as its library computes."""
