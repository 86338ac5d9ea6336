// Package evaluate measures what a model finds. Vectors come in, ranks and
// shares come out: it encodes no pictures, reads no catalogue and trains nothing.
//
// Three directions are measured per language. text_to_image is a search: the
// pictures are ranked for each text. image_to_text is the way back: the distinct
// texts of the language are ranked for each picture. zero_shot is classification:
// classes, each the mean of its prompts, are ranked for each picture, so that R@1
// and R@5 are top-1 and top-5 accuracy.
//
// Three rules hold for all of them.
//
// What answers a query is a set. Pictures with equal texts, case aside, answer
// each other's text, and the rank of a query is that of the best right answer.
//
// A tie counts against the model: the rank of the best right answer is one more than
// the number of wrong ones that score at least as much. A model that gives everything
// the same vector is thus reported to find nothing, where an order by position would
// praise or blame it by accident.
//
// Each language weighs alike in the mean, however many queries it has.
//
// Every number depends on the vectors alone, not on threads or on the size of
// blocks: scores are computed in one order of summation, and equal vectors have
// equal scores.
package evaluate
