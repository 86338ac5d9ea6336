package web

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

type jobPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identity of the job"`
}

type jobAnswer struct{ Body Job }

type jobsAnswer struct {
	Body struct {
		Jobs []Job `json:"jobs" nullable:"false" doc:"Newest first"`
	}
}

type createJobInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	IdempotencyHeader
	Body struct {
		Source Source `json:"source"`

		MaxNumPatches int `json:"max_num_patches,omitempty" minimum:"64" maximum:"1024" example:"576" doc:"Most patches that the collection's pictures are cut into from now on; absent keeps its choice. Another choice encodes all of them anew, and searches use the new vectors once they are complete. Only for NaFlex models"`
	}
}

type acceptedJob struct {
	Location string `header:"Location"`
	Body     Job
}

func (s *server) jobOperations(api huma.API) {
	create := operation("create-job", http.MethodPost, "/collections/{name}/jobs", "jobs",
		"Index a folder of the server: new and changed pictures are added, vanished ones removed",
		http.StatusForbidden, http.StatusConflict)
	create.DefaultStatus = http.StatusAccepted
	huma.Register(api, create, s.createJob)
	huma.Register(api, operation("list-jobs", http.MethodGet, "/jobs", "jobs", "List the jobs"), s.listJobs)
	huma.Register(api, operation("get-job", http.MethodGet, "/jobs/{id}", "jobs",
		"Get one job", http.StatusNotFound), s.getJob)
	huma.Register(api, operation("cancel-job", http.MethodDelete, "/jobs/{id}", "jobs",
		"Cancel a job; what it has indexed stays", http.StatusNotFound, http.StatusConflict), s.cancelJob)
}

func (s *server) createJob(ctx context.Context, input *createJobInput) (*acceptedJob, error) {
	if !s.AllowFolders {
		return nil, newProblem(kindForbidden, "this server lets nobody index its folders over the network; "+
			"run “polylens index” on it, or let it listen on the loopback address only")
	}
	directory, problem := usableFolder(input.Body.Source.Directory)
	if problem != nil {
		return nil, problem
	}
	job, err := s.Jobs.IndexFolder(ctx, input.Name, directory, input.Body.MaxNumPatches)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: complete(job)}, nil
}

func (s *server) listJobs(ctx context.Context, _ *struct{}) (*jobsAnswer, error) {
	jobs, err := s.Jobs.Jobs(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &jobsAnswer{}
	answer.Body.Jobs = completeAll(jobs)
	return answer, nil
}

func (s *server) getJob(ctx context.Context, input *jobPath) (*jobAnswer, error) {
	job, err := s.Jobs.Job(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &jobAnswer{Body: complete(job)}, nil
}

func (s *server) cancelJob(ctx context.Context, input *jobPath) (*jobAnswer, error) {
	job, err := s.Jobs.Cancel(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &jobAnswer{Body: complete(job)}, nil
}

// complete makes the lists of a job non-null in JSON.
func complete(job Job) Job {
	if job.Failures == nil {
		job.Failures = []FileFailed{}
	}
	return job
}

func completeAll(jobs []Job) []Job {
	all := make([]Job, len(jobs))
	for i, job := range jobs {
		all[i] = complete(job)
	}
	return all
}

// usableFolder cleans the path of a folder and checks that pictures can be
// read from it. A leading ~/ stands for the home folder of the server's user.
func usableFolder(path string) (string, error) {
	path = strings.TrimSpace(path)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", newProblem(kindNoFolder, "the home folder is not known; give the whole path")
		}
		path = filepath.Join(home, rest)
	}
	if strings.ContainsRune(path, 0) || !filepath.IsAbs(path) {
		return "", newProblem(kindNoFolder, "give the whole path of the folder, beginning with /")
	}
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return "", newProblem(kindNoFolder, "there is no folder "+path)
	case err != nil:
		return "", newProblem(kindNoFolder, "the folder "+path+" cannot be opened: "+reason(err))
	case !info.IsDir():
		return "", newProblem(kindNoFolder, path+" is a file; give the folder that holds it")
	}
	folder, err := os.Open(path)
	if err != nil {
		return "", newProblem(kindNoFolder, "the folder "+path+" cannot be read: "+reason(err))
	}
	return path, folder.Close()
}

// reason is an error of the file system without the path that it repeats.
func reason(err error) string {
	if path, ok := err.(*os.PathError); ok {
		return path.Err.Error()
	}
	return err.Error()
}
