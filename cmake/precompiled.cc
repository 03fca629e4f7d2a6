// The file that CMake needs to compile the headers for the others (cmake/precompiled.cmake).
