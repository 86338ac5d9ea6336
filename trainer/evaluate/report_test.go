package evaluate

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// ranked is a result of the given ranks among 100.
func ranked(language string, direction Direction, ranks ...int) Result {
	return newResult(language, direction, ranks, 100, "queries of "+language)
}

func TestReport(t *testing.T) {
	report := Report{ranked("de", TextToImage, 1, 7), ranked("de", ImageToText, 2), ranked("en", TextToImage, 1)}
	var file bytes.Buffer
	if err := report.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadReport(&file)
	if err != nil || !reflect.DeepEqual(read, report) {
		t.Errorf("got %+v, %v, want %+v", read, err, report)
	}
	summary := report.Summary()
	if len(summary) != 5 || summary[3].Language != MeanLanguage || summary[3].R1 != 0.75 || summary[3].N != 3 || summary[4].Direction != ImageToText {
		t.Errorf("summary %+v", summary)
	}
}

// TestReadSummary: what "eval --json" prints is a report without ranks.
func TestReadSummary(t *testing.T) {
	text := `{"language":"de","direction":"text_to_image","n":2,"r1":0.5,"r5":1,"r10":1,"mrr":0.75,"median_rank":1.5}
{"language":"mean","direction":"text_to_image","n":2,"r1":0.5,"r5":1,"r10":1,"mrr":0.75,"median_rank":1.5}
`
	report, err := ReadReport(strings.NewReader(text))
	want := Report{{Quality: Quality{"de", TextToImage, 2, 0.5, 1, 1, 0.75, 1.5}}}
	if err != nil || !reflect.DeepEqual(report, want) {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestReadReportRefuses(t *testing.T) {
	line := `{"language":"de","direction":"text_to_image","n":2,"r1":0.5,"r5":1,"r10":1,"mrr":0.75,"median_rank":1.5,"ranks":[1,2]}`
	for _, test := range []struct{ from, to, want string }{
		{line, ``, "it is empty"},
		{line, `[]`, "object 1"},
		{line, line + line, "object 2: de text_to_image stands there twice"},
		{`"de"`, `""`, `no "language"`},
		{`text_to_image`, `sideways`, `direction "sideways"`},
		{`"n":2`, `"n":0`, "n is 0"},
		{`[1,2]`, `[1]`, "1 ranks of 2"},
		{`[1,2]`, `[1,-2]`, "negative"},
		{`"r1":0.5`, `"r1":50`, "50 is no share"},
		{`"r1"`, `"recall"`, "unknown field"},
	} {
		if _, err := ReadReport(strings.NewReader(strings.Replace(line, test.from, test.to, 1))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s for %s: got %v, want %q", test.to, test.from, err, test.want)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add([]byte(`{"language":"de","direction":"zero_shot","n":1,"r1":1,"r5":1,"r10":1,"mrr":1,"median_rank":1,"queries":"x","ranks":[1]}`))
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := ReadReport(bytes.NewReader(data))
		if err != nil {
			return
		}
		var file bytes.Buffer
		if err := report.Write(&file); err != nil {
			t.Fatal(err)
		}
		again, err := ReadReport(&file)
		if err != nil || !reflect.DeepEqual(again, report) {
			t.Errorf("%+v became %+v, %v", report, again, err)
		}
		if _, err := Compare(report, report); err != nil {
			t.Error(err)
		}
	})
}
