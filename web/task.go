package web

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

type taskPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identity of the task"`
}

type taskAnswer struct{ Body Task }

type tasksAnswer struct {
	Body struct {
		Tasks []Task `json:"tasks" nullable:"false" doc:"Newest first"`
	}
}

type createTaskInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	IdempotencyHeader
	Body struct {
		Source Source `json:"source"`

		MaxNumPatches int `json:"max_num_patches,omitempty" minimum:"64" maximum:"1024" example:"576" doc:"Most patches that the collection's pictures are cut into from now on; absent keeps its choice. Another choice encodes all of them anew, and searches use the new vectors once they are complete. Only for NaFlex models"`
	}
}

type acceptedTask struct {
	Location string `header:"Location"`
	Body     Task
}

func (s *server) taskOperations(api huma.API) {
	create := operation("create-task", http.MethodPost, "/collections/{name}/tasks", "tasks",
		"Index a folder of the server: new and changed pictures are added, vanished ones removed",
		http.StatusForbidden, http.StatusConflict)
	create.DefaultStatus = http.StatusAccepted
	huma.Register(api, create, s.createTask)
	huma.Register(api, operation("list-tasks", http.MethodGet, "/tasks", "tasks", "List the tasks"), s.listTasks)
	huma.Register(api, operation("get-task", http.MethodGet, "/tasks/{id}", "tasks",
		"Get one task", http.StatusNotFound), s.getTask)
	huma.Register(api, operation("cancel-task", http.MethodDelete, "/tasks/{id}", "tasks",
		"Cancel a task; what it has indexed stays", http.StatusNotFound, http.StatusConflict), s.cancelTask)
}

func (s *server) createTask(ctx context.Context, input *createTaskInput) (*acceptedTask, error) {
	if !s.AllowFolders {
		return nil, newProblem(kindForbidden, "this server lets nobody index its folders over the network; "+
			"run “polylens index” on it, or let it listen on the loopback address only")
	}
	directory, problem := usableFolder(input.Body.Source.Directory)
	if problem != nil {
		return nil, problem
	}
	task, err := s.Tasks.IndexFolder(ctx, input.Name, directory, input.Body.MaxNumPatches)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedTask{Location: apiPrefix + "/tasks/" + task.ID, Body: complete(task)}, nil
}

func (s *server) listTasks(ctx context.Context, _ *struct{}) (*tasksAnswer, error) {
	tasks, err := s.Tasks.Tasks(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &tasksAnswer{}
	answer.Body.Tasks = completeAll(tasks)
	return answer, nil
}

func (s *server) getTask(ctx context.Context, input *taskPath) (*taskAnswer, error) {
	task, err := s.Tasks.Task(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &taskAnswer{Body: complete(task)}, nil
}

func (s *server) cancelTask(ctx context.Context, input *taskPath) (*taskAnswer, error) {
	task, err := s.Tasks.Cancel(ctx, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &taskAnswer{Body: complete(task)}, nil
}

// complete makes the lists of a task non-null in JSON.
func complete(task Task) Task {
	if task.Failures == nil {
		task.Failures = []FileFailed{}
	}
	return task
}

func completeAll(tasks []Task) []Task {
	all := make([]Task, len(tasks))
	for i, task := range tasks {
		all[i] = complete(task)
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
