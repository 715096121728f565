import { packDevices } from '../../packing/pack-cost.ts';
import { anyOf, type Filter, most } from '../filter.ts';

/** Only hosts with enough free GPUs, or enough of one, of a model that was asked for. */
export const gpu: Filter = {
  name: 'gpu',
  isOfClass: true,
  isAsked: ({ request }) => request.gpu > 0 && request.gpuModels.length > 0,
  passes(view, { request }) {
    if (request.gpu === 0) return true;
    const { gpuModels } = request;
    if (gpuModels.length > 0 && !gpuModels.includes(view.host.gpuModel)) return false;
    return packDevices(view.gpuMilliFree, request) !== null;
  },
  why(view, { request }) {
    const { gpuModel, gpuMilliTotal } = view.host;
    if (gpuMilliTotal.length === 0) return 'has no GPU';
    if (request.gpuModels.length > 0 && !request.gpuModels.includes(gpuModel)) return `has ${gpuModel}`;
    const whole = view.gpuMilliFree.filter(free => free === 1000).length;
    return `${whole} of ${gpuMilliTotal.length} GPUs free, the most on one ${Math.max(...view.gpuMilliFree)}/1000`;
  },
  remedy(removed, query) {
    const { gpuModels } = query.request;
    const fitting = removed.filter(
      ({ host }) =>
        host.gpuMilliTotal.length > 0 && (gpuModels.length === 0 || gpuModels.includes(host.gpuModel)),
    );
    if (fitting.length > 0) {
      const best = most(fitting, ({ gpuMilliFree }) => gpuMilliFree.reduce((sum, free) => sum + free, 0));
      const fix = 'ask for fewer, remove a VM, or add a host';
      return { nearest: `${best.name}: ${gpu.why(best, query)}`, fix, byAsking: true };
    }
    const models = removed.map(({ host }) => host.gpuModel).filter(Boolean);
    return models.length > 0
      ? { nearest: `no host has ${anyOf([...gpuModels])}`, fix: `ask for ${anyOf(models)}`, byAsking: true }
      : { nearest: 'no host has a GPU', fix: 'add a host with GPUs', byAsking: false };
  },
};
