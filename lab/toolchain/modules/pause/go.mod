module corekube/lab/toolchain/pause

go 1.26.8
