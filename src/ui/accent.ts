/** The colours that derive from APP_ACCENT. Text in them, and on them, has a contrast of 4.5 or more (WCAG 1.4.3), in light and dark. */

type Colour = readonly [red: number, green: number, blue: number]

const WHITE: Colour = [255, 255, 255]
const BLACK: Colour = [0, 0, 0]
const ENOUGH = 4.5
/** `--ground` and `--paper` of style.css. */
const LIGHT: Colour[] = [
  [244, 246, 249],
  [255, 255, 255],
]
const DARK: Colour[] = [
  [15, 18, 22],
  [23, 27, 33],
]

/** A stylesheet that replaces the accent of style.css. @param accent `#rrggbb`. */
export function accentStyle(accent: string): string {
  const fill = parse(accent)
  const onFill = contrast(fill, WHITE) >= ENOUGH ? WHITE : BLACK
  const light = shades(fill, LIGHT, BLACK, 0.9)
  const dark = shades(fill, DARK, WHITE, 0.82)
  return `:root {
  --accent: light-dark(${text(light.accent)}, ${text(dark.accent)});
  --accent-soft: light-dark(${text(light.soft)}, ${text(dark.soft)});
  --accent-fill: ${text(fill)};
  --on-accent: ${text(onFill)};
}
`
}

/** The accent, mixed with black or white until it can be read as text on each background. */
function shades(fill: Colour, backgrounds: Colour[], towards: Colour, softness: number) {
  const soft = mix(fill, backgrounds[1] as Colour, softness)
  for (let part = 0; part < 1; part += 0.05) {
    const accent = mix(fill, towards, part)
    if ([...backgrounds, soft].every((background) => contrast(accent, background) >= ENOUGH))
      return { accent, soft }
  }
  return { accent: towards, soft }
}

function mix(from: Colour, to: Colour, part: number): Colour {
  const at = (index: 0 | 1 | 2) => Math.round(from[index] * (1 - part) + to[index] * part)
  return [at(0), at(1), at(2)]
}

/** The contrast ratio of WCAG 2. */
export function contrast(a: Colour, b: Colour): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

export function parse(hex: string): Colour {
  const at = (index: number) => Number.parseInt(hex.slice(index, index + 2), 16)
  return [at(1), at(3), at(5)]
}

const text = (colour: Colour) => `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`
