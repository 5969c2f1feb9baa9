package smix

import "undertone/transport/superpose"

// MaxMessages is how many messages a part has in each direction, at most.
const MaxMessages = (superpose.MaxChannels + superpose.Cells - 1) / superpose.Cells
