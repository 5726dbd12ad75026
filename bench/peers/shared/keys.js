// Bearer keys: only hashes are kept, and they are compared in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text) => createHash('sha256').update(text).digest();

export function keyCheck(keys) {
  const known = keys.map(digest);
  return (authorization) => {
    if (!authorization?.startsWith('Bearer ')) return false;
    const presented = digest(authorization.slice('Bearer '.length));
    return known.some((key) => timingSafeEqual(key, presented));
  };
}
