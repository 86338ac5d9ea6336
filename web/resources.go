package web

import (
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Collection is a set of images.
type Collection struct {
	Name       string    `json:"name" doc:"Name, unique"`
	Images     int       `json:"images" doc:"Number of images"`
	Searchable bool      `json:"searchable" doc:"Whether it was indexed with the loaded model"`
	Model      string    `json:"model,omitempty" doc:"Fingerprint of the model that it was indexed with; absent when nothing is indexed yet"`
	Created    time.Time `json:"created" doc:"When it was created"`

	MaxNumPatches int `json:"max_num_patches,omitempty" doc:"Most patches that its pictures are cut into when they are indexed; absent when that is left to the model"`
}

// Image is one picture and what is known of it.
type Image struct {
	ID       string         `json:"id" doc:"Identity within the collection"`
	URI      string         `json:"uri" doc:"Where the picture lies"`
	Width    int            `json:"width,omitempty" doc:"Pixels, upright"`
	Height   int            `json:"height,omitempty" doc:"Pixels, upright"`
	Color    string         `json:"color,omitempty" doc:"Mean colour, as #rrggbb, for a placeholder"`
	Metadata map[string]any `json:"metadata" doc:"Whatever the source told, such as tags"`
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
}

// JobState is the state of a job.
type JobState string

// The states of a job; the last three are final.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCanceled  JobState = "canceled"
)

// Final tells whether the state can change no more.
func (s JobState) Final() bool {
	return s == JobSucceeded || s == JobFailed || s == JobCanceled
}

// Job is work in the background.
type Job struct {
	ID         string       `json:"id"`
	Collection string       `json:"collection"`
	Source     Source       `json:"source"`
	State      JobState     `json:"state" enum:"queued,running,paused,succeeded,failed,canceled"`
	Error      string       `json:"error,omitempty" doc:"Why the job failed"`
	Progress   Progress     `json:"progress"`
	Failures   []FileFailed `json:"failures" nullable:"false" doc:"The first pictures that could not be read"`
	Created    time.Time    `json:"created"`
	Started    *time.Time   `json:"started,omitempty"`
	Finished   *time.Time   `json:"finished,omitempty"`
}

// Source says where pictures come from.
type Source struct {
	Directory string `json:"directory" doc:"Absolute path of a folder on the server" minLength:"1" maxLength:"4096"`
}

// Progress counts the pictures of a job.
type Progress struct {
	Total       int     `json:"total" doc:"Pictures found; 0 until the source is listed"`
	Done        int     `json:"done" doc:"Pictures dealt with, whatever the outcome"`
	Indexed     int     `json:"indexed" doc:"New or changed pictures now searchable"`
	Unchanged   int     `json:"unchanged" doc:"Pictures that were indexed before"`
	Removed     int     `json:"removed" doc:"Images taken out because their picture is gone"`
	Failed      int     `json:"failed" doc:"Pictures that could not be read"`
	Rate        float64 `json:"rate" doc:"Pictures a second"`
	SecondsLeft float64 `json:"seconds_left" doc:"Estimate; negative when unknown"`
}

// FileFailed is a picture that was skipped, and why.
type FileFailed struct {
	URI    string `json:"uri"`
	Reason string `json:"reason"`
}

// Info tells a client what it talks to.
type Info struct {
	Version string    `json:"version"`
	Model   ModelInfo `json:"model"`
	Folders bool      `json:"folders" doc:"Whether clients may index folders of the server"`
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
		ID: image.ID, URI: image.URI, Width: image.Width, Height: image.Height,
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
		answer[i] = Hit{Image: newImage(hit.Image, prefer), Score: hit.Score}
	}
	return answer
}
