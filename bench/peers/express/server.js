// Express 5 + Mongoose 9 + stripe-node: the payment-session service as its usual stack writes it.
import mongoose from 'mongoose';
import { config } from '../shared/config.js';
import { startWorkers } from '../shared/workers.js';
import { buildApp } from './app.js';

await startWorkers(config.workers, async () => {
  // Indexes are the bench's business, the same for all servers. Mongoose's own guide turns
  // autoIndex off in production too. The pool has the driver's default size of 100.
  await mongoose.connect(config.mongodbUri, {
    dbName: config.database,
    autoIndex: false,
    autoCreate: false,
  });
  const server = buildApp(config).listen(config.port, config.host);
  return async () => {
    server.close();
    server.closeAllConnections();
    await mongoose.disconnect();
  };
});
