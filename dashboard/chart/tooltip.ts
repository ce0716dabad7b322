import { formatValue } from '../format/units.ts';
import type { Unit } from '../format/units.ts';
import type { TooltipRows } from './nearest.ts';

export interface TooltipLine {
  readonly name: string;
  readonly colour: string;
  readonly dashed: boolean;
}

/**
 * The box beside the pointer. Written by hand rather than by React: it changes with every movement of the
 * mouse, and nothing else on the page does.
 */
export class Tooltip {
  readonly #box: HTMLDivElement;
  readonly #classes: Readonly<Record<string, string>>;

  constructor(parent: HTMLElement, classes: Readonly<Record<string, string>>) {
    this.#classes = classes;
    this.#box = element('div', classes['tooltip']);
    // What it says is said by the text alternative and the data table, too.
    this.#box.setAttribute('aria-hidden', 'true');
    this.#box.hidden = true;
    parent.append(this.#box);
  }

  hide(): void {
    this.#box.hidden = true;
  }

  remove(): void {
    this.#box.remove();
  }

  show(
    title: string,
    unit: Unit,
    { rows, more }: TooltipRows,
    lines: readonly TooltipLine[],
    place: { readonly x: number; readonly y: number; readonly width: number },
  ): void {
    const classes = this.#classes;
    const parts: HTMLElement[] = [element('div', classes['tooltipTime'], title)];
    for (const [position, { index, value }] of rows.entries()) {
      const line = lines[index]!;
      const row = element(
        'div',
        position === 0 ? classes['tooltipNearest'] : classes['tooltipRow'],
      );
      const swatch = element('span', line.dashed ? classes['swatchDashed'] : classes['swatch']);
      swatch.style.color = line.colour;
      row.append(
        swatch,
        element('span', classes['tooltipName'], line.name),
        element('span', classes['tooltipValue'], formatValue(unit, value)),
      );
      parts.push(row);
    }
    if (rows.length === 0) parts.push(element('div', classes['tooltipMore'], 'no values'));
    if (more > 0) parts.push(element('div', classes['tooltipMore'], `${more} more`));
    this.#box.replaceChildren(...parts);
    this.#box.hidden = false;
    this.#place(place);
  }

  #place({ x, y, width }: { x: number; y: number; width: number }): void {
    const box = this.#box;
    const right = x + 16 + box.offsetWidth <= width;
    const left = right ? x + 16 : Math.max(0, x - 16 - box.offsetWidth);
    box.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(0, y - 12))}px)`;
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string | undefined,
  text?: string,
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className ?? '';
  if (text !== undefined) made.textContent = text;
  return made;
}
