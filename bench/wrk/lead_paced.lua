-- Leave leads as lead.lua does, so many a second.
dofile(os.getenv("BENCH_WRK") .. "/lead.lua")
dofile(os.getenv("BENCH_WRK") .. "/pace.lua")
