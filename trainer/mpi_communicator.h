// The ranks of an MPI job. Only where altocast is built with MPI (ALTOCAST_HAVE_MPI).
#pragma once

#include <memory>

#include "trainer/communicator.h"

namespace altocast {

std::unique_ptr<Communicator> make_mpi_communicator();

}  // namespace altocast
