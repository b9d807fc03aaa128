/** Marks of cases: the program names resources by them, and the tests find them again. */

export const caseMark = (index: number): string => `case-${index}`;
export const breakMark = (index: number, number: number): string => `case-${index}-${number}`;
