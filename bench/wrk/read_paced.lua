-- Read payment sessions as read.lua does, so many a second.
dofile(os.getenv("BENCH_WRK") .. "/read.lua")
dofile(os.getenv("BENCH_WRK") .. "/pace.lua")
