package ort

// #include <stdlib.h>
// #ifdef __GLIBC__
// #include <malloc.h>
// static void give_back(void) { malloc_trim(0); }
// #else
// static void give_back(void) {}
// #endif
import "C"

// giveBack returns memory that the library has freed to the system. Glibc
// keeps freed blocks of up to 32 MiB for itself, where a single live one stands
// behind them: of a model that was closed, most of its weights.
func giveBack() { C.give_back() }
