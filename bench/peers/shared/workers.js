// One process, or as many as WORKERS says, by Node's own cluster module.
import cluster from 'node:cluster';

export async function startWorkers(count, start) {
  if (count > 1 && cluster.isPrimary) {
    for (let n = 0; n < count; n += 1) cluster.fork();
    return;
  }
  const stop = await start();
  process.once('SIGTERM', async () => {
    await stop();
    process.exit(0);
  });
}
