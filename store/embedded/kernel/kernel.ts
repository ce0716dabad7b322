export { encodeValues, decodeValues, encodeTimes, decodeTimes, COLUMN_WORK_BYTES } from './columns';
export { snappyLength, snappyDecompress } from './snappy';
export { allocate, release, bytesUsed, beginMemory } from './memory';
export { beginWorkspace, WORKSPACE_BYTES } from './workspace';
export { beginSeries, createSeries, findSeries, bindKey, forgetSeries, seriesCount } from './series';
export { beginRequest, dropBefore, readSeries, samplesOf, lastTimeOf } from './head';
export { beginTimelines } from './timelines';
export { scanWriteRequest, missed, late, accepted, stoppedAt } from './scan';
export { appendSample, beginJournal, journalEnd, replayJournal, replayed, unplaced } from './journal';
