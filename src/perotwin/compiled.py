"""temporary"""
from numba import njit
compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})
inlined = njit(cache=True, error_model="numpy", fastmath={"contract"}, inline="always")
