package data

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"polylens/indexer/catalog"
)

// Template makes a text of an image, in the syntax of text/template. Its dot is
// a View: "a painting by {{.Field \"artist\"}}". An image without the field, or
// for which the text is empty, has no such text. What one image may cost is bounded:
// the steps, the bytes of the text and those of every text on the way to it.
type Template struct {
	Language string // BCP 47
	Text     string
}

const (
	maxTemplates = 100
	maxTemplate  = 4 << 10 // bytes of a template
	maxText      = 8 << 10 // bytes that a template, or a function in it, may write
	maxValues    = 4 << 20 // bytes of values that a function may turn into text, each as often as it may stand there
	maxSteps     = 20_000  // parts of a template that one image may take
)

// CheckTemplates is nil for templates that can be executed.
func CheckTemplates(templates []Template) error {
	_, err := compileAll(templates)
	return err
}

// View is what a Template sees of an image.
type View struct {
	Tags  []string
	image catalog.Image
}

// errNoField ends a template whose field an image does not have.
var errNoField = errors.New("the image has no such field")

// Field is the text, number or truth value in a field of the metadata.
func (v View) Field(name string) (string, error) {
	if text, ok := scalar(v.image.Metadata[name]); ok && strings.TrimSpace(text) != "" {
		return text, nil
	}
	return "", errNoField
}

// Has reports whether Field gives something.
func (v View) Has(name string) bool {
	_, err := v.Field(name)
	return err == nil
}

// Caption is the first caption in a language, whose tag may be in any case.
func (v View) Caption(language string) (string, error) {
	for _, c := range v.image.Captions {
		if strings.EqualFold(c.Language, language) {
			return c.Text, nil
		}
	}
	return "", errNoField
}

// compiled is a template that one goroutine at a time executes.
type compiled struct {
	template *template.Template
	left     uint // steps of the image at hand
}

func compileAll(templates []Template) ([]*compiled, error) {
	if len(templates) > maxTemplates {
		return nil, fmt.Errorf("there are %d templates, more than %d", len(templates), maxTemplates)
	}
	all := make([]*compiled, len(templates))
	for i, t := range templates {
		var err error
		if all[i], err = compile(t.Text); err != nil {
			return nil, fmt.Errorf("template %.200q: %w", t.Text, err)
		}
	}
	return all, nil
}

func compile(text string) (*compiled, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(text), maxTemplate)
	}
	c := &compiled{}
	functions := template.FuncMap{
		spend:   c.spend,
		"print": bounded(fmt.Sprint), "println": bounded(fmt.Sprintln), "printf": boundedFormat,
		"html": bounded(template.HTMLEscaper), "js": bounded(template.JSEscaper), "urlquery": bounded(template.URLQueryEscaper),
	}
	var err error
	if c.template, err = template.New("").Funcs(functions).Parse(text); err != nil {
		return nil, err
	}
	for _, one := range c.template.Templates() {
		if one.Tree != nil {
			if err := meter(one.Root, functions); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// spend takes steps. A template that calls it can only have fewer.
func (c *compiled) spend(steps uint) (string, error) {
	if steps > c.left {
		return "", fmt.Errorf("it takes more than %d steps for one image: loop less", maxSteps)
	}
	c.left -= steps
	return "", nil
}

// execute gives the text with single spaces, or "" where a field is missing.
func (c *compiled) execute(view View) (string, error) {
	c.left = maxSteps
	var out limitedWriter
	err := c.template.Execute(&out, view)
	if errors.Is(err, errNoField) {
		return "", nil
	}
	return strings.Join(strings.Fields(out.String()), " "), err
}

// limitedWriter refuses to hold more than maxText bytes.
type limitedWriter struct{ strings.Builder }

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.Len()+len(p) > maxText {
		return 0, errLongText
	}
	return w.Builder.Write(p)
}

var errLongText = fmt.Errorf("the text has more than %d bytes", maxText)

// bounded is a function of templates that neither takes nor makes long texts: the
// result of one may be what the next one doubles.
func bounded(write func(...any) string) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		const escaped = 6 // bytes of one that is written as \u0000
		if err := checkValues(values, escaped); err != nil {
			return "", err
		}
		return within(write(values...))
	}
}

func within(text string) (string, error) {
	if len(text) > maxText {
		return "", errLongText
	}
	return text, nil
}

// wide finds what makes a long text of a short value: a width or precision of more than
// three digits, or one that stands in a value.
var wide = regexp.MustCompile(`%[-+# 0-9.\[\]]*(\*|[0-9]{4})`)

func boundedFormat(format string, values ...any) (string, error) {
	verbs := strings.ReplaceAll(format, "%%", "")
	if wide.MatchString(verbs) {
		return "", fmt.Errorf("the format %.80q has a width or precision beyond 999, or * for one", format)
	}
	if err := checkValues(values, strings.Count(verbs, "%")); err != nil {
		return "", err
	}
	return within(fmt.Sprintf(format, values...))
}

// checkValues bounds what a function of templates makes of its values, which it may
// write several times.
func checkValues(values []any, times int) error {
	size := 0
	for _, value := range values {
		switch value := value.(type) {
		case string:
			size += len(value)
		case []string:
			for _, text := range value {
				size += len(text) + 1
			}
		case View:
			return errors.New("an image is no text: name one of its fields")
		}
	}
	if size*times > maxValues {
		return errLongText
	}
	return nil
}
