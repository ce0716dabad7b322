import type { FeedSource } from '../live/feed.ts';
import { fetchRange } from './prometheus.ts';
import { postForStream } from './request.ts';
import { serverNow } from './server-clock.ts';

/** The server that this page came from. */
export const serverSource: FeedSource = {
  range: fetchRange,
  live: (request, signal) => postForStream('/api/nephoscope/v1/live', request, signal),
  now: serverNow,
};
