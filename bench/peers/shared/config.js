// What every Node peer reads from its environment. The database's address carries the concerns:
// w=majority, journal=true and readConcernLevel=majority, as Tillgate's own client has them.
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is missing`);
  return value;
}

export const config = {
  mongodbUri: required('MONGODB_URI'),
  database: required('MONGODB_DATABASE'),
  host: '127.0.0.1',
  port: Number(required('PORT')),
  workers: Number(process.env.WORKERS ?? 1),
  secretKeys: required('API_SECRET_KEYS').split(','),
  stripeWebhookSecret: required('STRIPE_WEBHOOK_SECRET'),
};

// One merchant, as in Tillgate without further configuration.
export const MERCHANT = 'default';
export const SESSION_MINUTES = 30;
export const PURGE_COMPLETED_DAYS = 90;
