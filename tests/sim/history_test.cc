#include "sim/history.h"
#include <gtest/gtest.h>
