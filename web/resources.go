package web

import (
	"encoding/json"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/search"
)

// Collection is a set of images.
type Collection struct {
	Name       string    `json:"name" doc:"Name, unique"`
	Images     int       `json:"images" doc:"Number of images"`
	Searchable bool      `json:"searchable" doc:"Whether it was indexed with the loaded model, and its index is there"`
	Rebuild    *Rebuild  `json:"rebuild,omitempty" doc:"There while its index, which was lost, is filled again from the catalogue: nothing is found before that is done"`
	Model      string    `json:"model,omitempty" doc:"Fingerprint of the model that it was indexed with; absent when nothing is indexed yet"`
	Created    time.Time `json:"created" doc:"When it was created"`

	MaxNumPatches int               `json:"max_num_patches,omitempty" doc:"Most patches that its pictures are cut into when they are indexed; absent when that is left to the model"`
	Originals     catalog.Originals `json:"originals,omitempty" enum:"kept,discarded" doc:"What becomes of the files of pictures that clients send: kept, or discarded once vector and thumbnail are made"`
	Metadata      string            `json:"metadata,omitempty" doc:"What it takes of what cameras and programs write into pictures and beside them: all, no-place (all but where pictures were taken) or none"`
}

// Rebuild says how far a lost index has been filled again.
type Rebuild struct {
	Job   string           `json:"job,omitempty" doc:"Identity of the job that does it; absent while there is none"`
	State catalog.JobState `json:"state,omitempty" enum:"queued,running,paused,failed,canceled" doc:"Of the job; one that failed or was canceled can be tried again"`
	Done  int              `json:"done" doc:"Images that it has sent to the index"`
	Total int              `json:"total" doc:"Images of the collection"`
}

// Image is one picture and what is known of it.
type Image struct {
	ID       string         `json:"id" doc:"Identity within the collection"`
	URI      string         `json:"uri" doc:"Where the picture lies"`
	Width    int            `json:"width,omitempty" doc:"Pixels, upright"`
	Height   int            `json:"height,omitempty" doc:"Pixels, upright"`
	Color    string         `json:"color,omitempty" doc:"Mean colour, as #rrggbb, for a placeholder"`
	Metadata map[string]any `json:"metadata" doc:"Whatever the source says, such as tags"`
	Caption  *Caption       `json:"caption,omitempty" doc:"The caption in the language that Accept-Language prefers, else English, else any"`
}

// Caption is a text about a picture.
type Caption struct {
	Language string `json:"language" doc:"BCP 47 tag; empty when unknown"`
	Text     string `json:"text"`
}

// FullImage is an image with all that is known of it.
type FullImage struct {
	Image
	Captions []Caption `json:"captions" nullable:"false" doc:"Every caption, in all languages"`
}

// Hit is an image that a search found.
type Hit struct {
	Image
	Score float32 `json:"score" doc:"Inner product of the unit vectors of query and image, -1 to 1"`

	CopyCount int    `json:"copy_count,omitempty" doc:"With group=content: how many other images have the same content"`
	Copies    []Copy `json:"copies,omitempty" doc:"The first of them"`
}

// Copy is another image with the content of one that was found.
type Copy struct {
	ID  string `json:"id"`
	URI string `json:"uri"`
}

// Job is work in the background.
type Job struct {
	ID         string           `json:"id"`
	Kind       string           `json:"kind" enum:"index,push,plan,check,repair,rebuild,model,train" doc:"Index a folder; do what lines of a client say; tell what either of them would do; compare the index with the catalogue, repair the differences too, or fill it anew; prepare another model; train one"`
	Collection string           `json:"collection,omitempty"`
	Source     *Source          `json:"source,omitempty" doc:"Where the pictures come from; of index jobs"`
	Run        string           `json:"run,omitempty" doc:"Identity of the run that it trains; of train jobs"`
	Model      string           `json:"model,omitempty" doc:"The model that it prepares; of model jobs"`
	State      catalog.JobState `json:"state" enum:"queued,running,paused,succeeded,failed,canceled"`
	Error      string           `json:"error,omitempty" doc:"Why the last attempt failed"`
	Problem    string           `json:"problem,omitempty" doc:"What keeps it from going on now, such as a full disk; it goes on by itself once that is over"`
	Counts     Counts           `json:"counts" doc:"What became of its pictures, or lines"`
	Progress   Progress         `json:"progress"`
	Plan       *Plan            `json:"plan,omitempty" doc:"What another job would do; of plan jobs, complete once they have succeeded"`
	Check      *Check           `json:"check,omitempty" doc:"What was found; of check, repair and rebuild jobs that succeeded"`
	Findings   []Finding        `json:"findings,omitempty" doc:"What else was found; of the same jobs"`
	Rules      *Rules           `json:"rules,omitempty" doc:"Which files are looked at, where that is not the default; of index jobs"`
	Failures   []FileFailed     `json:"failures" nullable:"false" doc:"The first 100 pictures that could not be read, of “failed”"`
	Warnings   []FileFailed     `json:"warnings" nullable:"false" doc:"The first 100 of what “files” counts as unusable or warnings"`
	Created    time.Time        `json:"created"`
	Started    *time.Time       `json:"started,omitempty"`
	Finished   *time.Time       `json:"finished,omitempty"`
	Sequence   int64            `json:"sequence" doc:"Number of its last change; grows over all jobs"`
}

// Counts add up what became of the pictures of an index job, or of the lines of a push.
// “done” is the sum of succeeded and failed; “succeeded” of those that follow.
type Counts struct {
	Total     int `json:"total" doc:"Pictures or lines; of an index job an estimate until all are seen"`
	Done      int `json:"done"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Created   int `json:"created,omitempty" doc:"Of a push"`
	Updated   int `json:"updated,omitempty" doc:"Of a push"`
	Unchanged int `json:"unchanged,omitempty"`
	Deleted   int `json:"deleted,omitempty" doc:"Of a push"`
}

// Source says where pictures come from.
type Source struct {
	Directory string `json:"directory,omitempty" doc:"Absolute path of a folder on the server" minLength:"1" maxLength:"4096"`
	Bucket    string `json:"bucket,omitempty" example:"s3://shop/photos/" doc:"Bucket and what the keys of its pictures begin with, within what the server reads for clients; each picture is pushed with its key as its id" maxLength:"4096"`
}

// Progress counts the pictures of a job. At its end, “total” and “done” are the sum of
// indexed, unchanged and failed.
type Progress struct {
	Total       int     `json:"total" doc:"Pictures found: an estimate by their names until all are seen, 0 until the source is listed"`
	Done        int     `json:"done" doc:"Pictures dealt with, whatever the outcome"`
	Indexed     int     `json:"indexed" doc:"New or changed pictures now searchable"`
	Unchanged   int     `json:"unchanged" doc:"Pictures that were indexed before"`
	Removed     int     `json:"removed" doc:"Images taken out because their picture is gone"`
	Withheld    int     `json:"withheld" doc:"Images that were kept though their picture is gone, because these are suspiciously many; see confirm_removal"`
	Failed      int     `json:"failed" doc:"Pictures that could not be read"`
	Rate        float64 `json:"rate" doc:"Pictures a second"`
	SecondsLeft float64 `json:"seconds_left" doc:"Estimate; negative when unknown"`
	Files       Files   `json:"files" doc:"What lies in the folder, besides pictures"`
}

// Info tells a client what it is talking to.
type Info struct {
	Version string    `json:"version"`
	Model   ModelInfo `json:"model"`
	Folders bool      `json:"folders" doc:"Whether this client may index folders of the server: only its own user and root may, on the machine itself"`
	Access  Access    `json:"access" doc:"What this client may do besides that"`
	Demo    string    `json:"demo,omitempty" doc:"Name of the demo collection, if there is one"`
}

// ModelInfo describes the loaded model.
type ModelInfo struct {
	Name          string `json:"name"`
	Fingerprint   string `json:"fingerprint"`
	Dimension     int    `json:"dimension"`
	MaxNumPatches int    `json:"max_num_patches" doc:"Most patches that a picture is cut into unless its collection chose otherwise; 0 when the model leaves no choice"`
	Bundled       bool   `json:"bundled" doc:"Whether it is the small model that comes with Polylens, made for emoji-like art only"`
}

func newImage(image catalog.Image, prefer languages) Image {
	metadata := image.Metadata
	if metadata == nil {
		metadata = map[string]any{}
	}
	return Image{
		ID: image.PublicID(), URI: image.URI, Width: image.Width, Height: image.Height,
		Color: image.Color, Metadata: metadata, Caption: prefer.caption(image.Captions),
	}
}

func newFullImage(image catalog.Image, prefer languages) FullImage {
	captions := make([]Caption, len(image.Captions))
	for i, caption := range image.Captions {
		captions[i] = Caption(caption)
	}
	return FullImage{Image: newImage(image, prefer), Captions: captions}
}

func newHits(hits []search.Hit, prefer languages) []Hit {
	answer := make([]Hit, len(hits))
	for i, hit := range hits {
		answer[i] = Hit{Image: newImage(hit.Image, prefer), Score: hit.Score, CopyCount: hit.CopyCount}
		for _, copy := range hit.Copies {
			answer[i].Copies = append(answer[i].Copies, Copy{ID: copy.PublicID(), URI: copy.URI})
		}
	}
	return answer
}

// jobDetails are the parameters of jobs that the API shows, whatever the kind.
type jobDetails struct {
	Directory string `json:"directory"`
	Bucket    string `json:"bucket"`
	Folder    *struct {
		Directory string `json:"directory"`
	} `json:"folder"` // of plans
	Run   string `json:"run"`
	Model string `json:"model"`
	source.Rules
}

func newJobs(jobs []catalog.Job) []Job {
	all := make([]Job, len(jobs))
	for i, job := range jobs {
		all[i] = newJob(job)
	}
	return all
}

func newJob(job catalog.Job) Job {
	var details jobDetails
	var report indexer.Report                 // its beginning is a Progress
	_ = json.Unmarshal(job.Params, &details)  // written by Polylens itself
	_ = json.Unmarshal(job.Progress, &report) // likewise
	converted := Job{
		ID: job.ID, Kind: job.Kind, Collection: job.Collection, Run: details.Run, Model: details.Model, State: job.State,
		Error: job.Error, Problem: job.Problem, Progress: newProgress(report.Progress), Check: newCheck(job), Findings: newFindings(job), Rules: newRules(details.Rules),
		Failures: newFailures(report.Failures), Warnings: newFailures(report.Warnings),
		Created: job.Created, Started: moment(job.Started), Finished: moment(job.Finished), Sequence: job.Sequence,
	}
	converted.Counts = countsOf(converted.Progress)
	if job.Kind == indexer.JobPush {
		converted.Progress, converted.Counts = newPush(job)
	}
	if job.Kind == indexer.JobPlan {
		converted.Plan, converted.Progress, converted.Counts = newPlan(job)
		if details.Folder != nil {
			details.Directory = details.Folder.Directory
		}
	}
	if details.Directory != "" || details.Bucket != "" {
		converted.Source = &Source{Directory: details.Directory, Bucket: details.Bucket}
	}
	return converted
}

// namesFolder reports whether a job looks into a folder of the server.
func (j Job) namesFolder() bool { return j.Source != nil && j.Source.Directory != "" }

// countsOf are those of a job over a folder.
func countsOf(p Progress) Counts {
	return Counts{Total: p.Total, Done: p.Done, Succeeded: p.Done - p.Failed, Failed: p.Failed, Unchanged: p.Unchanged}
}

// newPush says how far a push has come.
func newPush(job catalog.Job) (Progress, Counts) {
	var p indexer.PushProgress
	_ = json.Unmarshal(job.Progress, &p) // written by Polylens itself
	c, left := p.Counts, p.RemainingSeconds
	if left == 0 && !job.State.Finished() {
		left = -1 // unknown
	}
	progress := Progress{Total: c.Total, Done: c.Done(), Indexed: c.Created + c.Updated, Unchanged: c.Unchanged, Removed: c.Deleted, Failed: c.Failed, Rate: p.Rate, SecondsLeft: left}
	progress.Files = newFiles(indexer.Files{Others: p.Others})
	return progress, Counts{
		Total: c.Total, Done: c.Done(), Succeeded: c.Done() - c.Failed, Failed: c.Failed,
		Created: c.Created, Updated: c.Updated, Unchanged: c.Unchanged, Deleted: c.Deleted,
	}
}

func newProgress(p indexer.Progress) Progress {
	left := p.RemainingSeconds
	if left == 0 && p.State != indexer.StateDone {
		left = -1 // unknown
	}
	return Progress{
		Total: p.Total, Done: p.Done, Indexed: p.Encoded + p.Reused, Unchanged: p.Skipped,
		Removed: p.Removed, Withheld: p.Withheld, Failed: p.Failed, Rate: p.Rate, SecondsLeft: left,
		Files: newFiles(p.Files),
	}
}
