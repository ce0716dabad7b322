import type uPlot from 'uplot';

/** A moment after which there is nothing: drawn as a line, with hatching where no data can be. */
export interface EndMark {
  readonly timeMs: number;
  readonly text: string;
}

interface MarkColours {
  readonly line: string;
  readonly hatch: string;
  readonly font: string;
}

export function drawEndMark(chart: uPlot, mark: EndMark, colours: MarkColours): void {
  const { ctx, bbox } = chart;
  const { min, max } = chart.scales['x'] ?? {};
  if (min == null || max == null || mark.timeMs > max) return;
  const ratio = bbox.height / (chart.over.clientHeight || bbox.height);
  const at = mark.timeMs < min ? bbox.left : chart.valToPos(mark.timeMs, 'x', true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(at, bbox.top, bbox.left + bbox.width - at, bbox.height);
  ctx.clip();
  hatch(
    ctx,
    { from: at, to: bbox.left + bbox.width, top: bbox.top, height: bbox.height },
    ratio,
    colours.hatch,
  );
  ctx.restore();
  if (mark.timeMs >= min) drawLine(chart, at, ratio, mark.text, colours);
}

function hatch(
  ctx: CanvasRenderingContext2D,
  area: { from: number; to: number; top: number; height: number },
  ratio: number,
  stroke: string,
): void {
  ctx.strokeStyle = stroke;
  ctx.lineWidth = ratio;
  ctx.beginPath();
  for (let x = area.from - area.height; x < area.to; x += 8 * ratio) {
    ctx.moveTo(x, area.top + area.height);
    ctx.lineTo(x + area.height, area.top);
  }
  ctx.stroke();
}

function drawLine(
  chart: uPlot,
  at: number,
  ratio: number,
  text: string,
  colours: MarkColours,
): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = colours.line;
  ctx.fillStyle = colours.line;
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(at, bbox.top);
  ctx.lineTo(at, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = colours.font.replace(/^(\d+)px/, (_all, px: string) => `${Number(px) * ratio}px`);
  ctx.textBaseline = 'top';
  const left = at - bbox.left > bbox.width - 60 * ratio;
  ctx.textAlign = left ? 'right' : 'left';
  ctx.fillText(text, at + (left ? -5 : 5) * ratio, bbox.top + 4 * ratio);
  ctx.restore();
}
