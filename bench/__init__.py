"""Benchmarks and checks of the installation."""
