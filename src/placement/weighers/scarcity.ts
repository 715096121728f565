import type { Weigher } from './weigher.ts';

/** Keeps GPU hosts for those who ask for GPUs, and scarce models for those who ask for them: 1 without GPUs, else the model's share. */
export const scarcity: Weigher = {
  name: 'scarcity',
  weigh: (host, request) =>
    host.gpuMilliFree.length === 0 ? 1 : host.modelShare - (request.gpu === 0 ? 1 : 0),
  most: ({ hasGpus, modelShareHi }, request) => (hasGpus ? modelShareHi - (request.gpu === 0 ? 1 : 0) : 1),
  least: ({ hasGpus, modelShareLo }, request) => (hasGpus ? modelShareLo - (request.gpu === 0 ? 1 : 0) : 1),
};
