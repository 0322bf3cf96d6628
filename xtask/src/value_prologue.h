/**
 * @file
 * Values of libhyperlight, the same for hosts and for guests: hyperlight.h and hyperlight_guest.h include this file.
 *
 * C99 to C23 and C++11 to C++20; x86-64 only.
 */
#ifndef HYPERLIGHT_VALUE_H
#define HYPERLIGHT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
